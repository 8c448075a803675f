"""The data sets of the ledger, and where they come from."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class DataSet:
    """One of them. `script` writes it as a folder of pictures where it is not there yet; None: it comes with zoo."""

    name: str
    title: str
    channels: int
    side: int
    script: str | None = None
    architecture: str | None = None
    """What zoo is to train on it; None: what it chooses for the data by itself."""
    per_doubling: int = 4
    """Snapshots in each doubling of time: fewer where judging one takes long."""

    def place(self, folder: Path) -> str:
        """What ``--data`` is to name, below `folder`; written there first where it has to be."""
        if self.script is None:
            return self.name
        place = folder / self.name
        if not place.is_dir():
            print(f"{self.title}: {place} is made", file=sys.stderr)
            unfinished = place.with_name(f"{place.name}.part")
            subprocess.run([sys.executable, HERE / self.script, unfinished], check=True, stdout=subprocess.DEVNULL)
            unfinished.rename(place)
        return str(place)


DATA = {
    each.name: each
    for each in (
        DataSet("digits", "5,000 digits, 28×28", 1, 28, architecture="dcgan"),
        DataSet("tiles", "2,099 game tiles, 32×32", 3, 32, "tiles.py", per_doubling=2),
        DataSet("icons", "4,366 OpenMoji icons, 64×64", 3, 64, "icons.py", per_doubling=1),
    )
}
