"""The run directory: its configuration, checkpoints, metrics and pictures."""
