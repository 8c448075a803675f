"""Scores while training: what is measured, of how many samples, when, and what is kept and stopped by it."""
