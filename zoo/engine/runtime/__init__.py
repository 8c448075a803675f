"""Where and how a run computes: device, precision, seeds, signals, what is written down of all this."""
