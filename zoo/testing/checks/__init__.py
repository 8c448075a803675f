"""The checks: one function in each file, whose docstring is what is checked. Importing them imports no torch."""
