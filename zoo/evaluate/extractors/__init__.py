"""Feature networks: what images are looked at with. None of them needs a download by zoo."""
