"""What the start of a run and the way of images into it are measured against (see ../input.py)."""
