"""CIFAR in its four versions, as small files."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np

IMAGES = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), np.uint8)
ROWS = IMAGES.transpose(0, 3, 1, 2).reshape(10, 3072).copy()
LABELS = list(range(10))
NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def write_binary(folder: Path, hundred: bool = False) -> Path:
    folder.mkdir(exist_ok=True)
    labels = np.array(LABELS, np.uint8)[:, None]
    if hundred:
        (folder / "train.bin").write_bytes(np.hstack([labels // 2, labels * 11, ROWS]).tobytes())
        (folder / "fine_label_names.txt").write_text("\n".join(f"thing{n}" for n in range(100)) + "\n")
    else:
        for batch in range(5):
            part = slice(batch * 2, batch * 2 + 2)
            (folder / f"data_batch_{batch + 1}.bin").write_bytes(np.hstack([labels[part], ROWS[part]]).tobytes())
        (folder / "batches.meta.txt").write_text("\n".join(NAMES) + "\n")
    return folder


class Python2Array:
    """Pickles as an array did when the CIFAR files were written: by NumPy's old module names, in protocol 2."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array


class OldPickler(pickle._Pickler):
    """Writes text as Python 2 wrote its strings: as bytes."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_old_text(self, value):
        data = value.encode() if isinstance(value, str) else value
        self.write(b"T" + len(data).to_bytes(4, "little") + data)
        self.memoize(value)

    def save_old_array(self, value):
        array = value.array
        self.write(b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n")
        self.write(b"K\x00\x85")
        self.save_old_text("b")
        self.write(b"tR(K\x01")
        self.save(array.shape)
        self.write(b"cnumpy\ndtype\n(")
        self.save_old_text("u1")
        self.write(b"K\x00K\x01tR(K\x03")
        self.save_old_text("|")
        self.write(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89")
        self.save_old_text(array.tobytes())
        self.write(b"tb")

    dispatch[str] = save_old_text
    dispatch[bytes] = save_old_text
    dispatch[Python2Array] = save_old_array


def dump(path: Path, content: object, style: str) -> None:
    with path.open("wb") as file:
        if style == "python2":
            OldPickler(file, 2).dump(content)
        else:
            pickle.dump(content, file, int(style))


def write_pickles(folder: Path, style: str, hundred: bool = False) -> Path:
    folder.mkdir(exist_ok=True)
    wrap = Python2Array if style == "python2" else np.ascontiguousarray
    if hundred:
        fine = [label * 11 for label in LABELS]
        coarse = [0] * 10
        dump(folder / "train", {"data": wrap(ROWS), "fine_labels": fine, "coarse_labels": coarse}, style)
        dump(folder / "meta", {"fine_label_names": [f"thing{n}" for n in range(100)]}, style)
    else:
        for batch in range(5):
            part = slice(batch * 2, batch * 2 + 2)
            content = {"data": wrap(ROWS[part]), "labels": LABELS[part], "batch_label": "x", "filenames": ["a", "b"]}
            dump(folder / f"data_batch_{batch + 1}", content, style)
        dump(folder / "batches.meta", {"label_names": NAMES, "num_vis": 3072}, style)
    return folder
