"""The metrics that look at features. Importing them imports no torch."""
