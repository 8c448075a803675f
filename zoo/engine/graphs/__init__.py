"""Whole training steps as CUDA graphs (``--capture``)."""
