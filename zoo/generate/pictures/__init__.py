"""Images on their way to a person: grids, films, points, files."""
