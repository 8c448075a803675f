"""Prints what an extra of zoo asks for, as it is installed here: python docs/site/tools.py EXTRA. Arguments for pip."""

from __future__ import annotations

import sys
from importlib.metadata import requires

from packaging.requirements import Requirement

for line in requires("zoo-gan") or []:
    wanted = Requirement(line)
    if wanted.marker and wanted.marker.evaluate({"extra": sys.argv[1]}) and not wanted.marker.evaluate({"extra": ""}):
        extras = f"[{','.join(sorted(wanted.extras))}]" if wanted.extras else ""
        print(f"{wanted.name}{extras}{wanted.specifier}")
