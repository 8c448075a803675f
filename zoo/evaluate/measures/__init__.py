"""What the literature measures, as functions of feature arrays: a file for each, with its paper and its formula. Nothing is read
or written here, and nothing is random but what a seed gives."""
