"""What zoo relies on, each check a test."""

import pytest


@pytest.mark.zoo_architecture("hinge", width=16)
def test_hinge(zoo_check):
    zoo_check.run()
