"""What a whole training step of zoo is measured against (see ../steps.py)."""
