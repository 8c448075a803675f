"""What zoo relies on, each promise a test."""

import pytest


@pytest.mark.zoo_architecture("hinge", width=16)
def test_hinge_keeps(promise):
    promise.check()
