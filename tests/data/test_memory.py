"""The resident memory of training does not grow with the number of images."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from zoo.data.store_writer import VERSION

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the resident size from /proc")

CHILD = """
    import sys
    from pathlib import Path
    from zoo.data import ImageStore, Loader

    def resident():
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))

    store = ImageStore(Path(sys.argv[1]))
    loader = Loader(store, 64, order=sys.argv[2])
    most = 0
    for number in range(loader.batches_per_epoch):
        loader.batch(number)
        most = max(most, resident())
    print(most)
"""


def synthetic_store(folder: Path, megabytes: int) -> Path:
    """A store that takes no room on disk: its images are a hole in the file."""
    folder.mkdir()
    count = megabytes * 2**20 // (64 * 64 * 3)
    meta = {"version": VERSION, "shape": [count, 64, 64, 3], "class_names": [], "skipped": []}
    (folder / "meta.json").write_text(json.dumps(meta))
    with (folder / "images.u8").open("wb") as file:
        file.truncate(count * 64 * 64 * 3)
    return folder


def most_resident(store: Path, order: str) -> float:
    """MB resident at the most during one epoch in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", textwrap.dedent(CHILD), str(store), order]
    return int(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout) / 1024


@pytest.mark.parametrize("order", ["shuffle", "sequential"])
def test_ten_times_the_images_are_not_ten_times_the_memory(tmp_path, order):
    small = most_resident(synthetic_store(tmp_path / "small", 40), order)
    large = most_resident(synthetic_store(tmp_path / "large", 400), order)
    assert large - small < 100
