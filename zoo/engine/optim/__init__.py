"""Optimisers: built from the options, and how learning rate and momentum change from step to step."""
