"""``zoo new``: a plugin package to begin with. What it writes lies in `template/`. Importing this imports no torch."""
