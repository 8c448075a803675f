"""Pictures with axes, drawn with matplotlib where it is installed (the extra `plots`). Importing this imports no matplotlib."""
