"""What zoo asks of every architecture: one test for each check of its conformance kit."""

from __future__ import annotations

import pytest


@pytest.mark.zoo_architecture("wgan-gp", width=4, latent=8)
def test_convolutional_wgan_gp(zoo_check):
    zoo_check.run()


@pytest.mark.zoo_architecture("wgan-gp", preset="toy", width=16)
def test_dense_wgan_gp(zoo_check):
    zoo_check.run()


@pytest.mark.zoo_architecture("wgan-gp", preset="algorithm1", width=4, latent=8)
def test_wgan_gp_with_drift(zoo_check):
    zoo_check.run()
