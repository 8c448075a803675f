"""Whether a training goes well: monitors that are checked where losses are read back anyway, and what is done when one tells."""
