"""The promises: one function in each file, whose docstring is what is promised. Importing them imports no torch."""
