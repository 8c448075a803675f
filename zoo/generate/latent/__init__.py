"""Latents: drawn, by number, interpolated, computed with."""
