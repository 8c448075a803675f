"""The kinds of data that come with zoo: a source for each, and the files that they read."""
