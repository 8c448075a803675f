"""Data that is known by name, made up: small files as the catalogue describes the real ones."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from data_files import idx_bytes

from zoo.data.known.catalogue import CIFAR10, FASHION_MNIST, MNIST, Known

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 28, 28), np.uint8)
LABELS = np.arange(40, dtype=np.uint8) % 10
PHOTOGRAPHS = np.random.default_rng(1).integers(0, 256, (20, 3, 32, 32), np.uint8)
NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]

IDX = {
    "train-images-idx3-ubyte.gz": gzip.compress(idx_bytes(IMAGES), mtime=0),
    "train-labels-idx1-ubyte.gz": gzip.compress(idx_bytes(LABELS), mtime=0),
}


def described(known: Known, contents: Mapping[str, bytes], *addresses: str) -> Known:
    """An entry of the catalogue for other contents: their sizes and checksums are held as those of the real ones are."""
    files = [
        replace(file, size=len(contents[file.name]), sha256=hashlib.sha256(contents[file.name]).hexdigest())
        for file in known.files
    ]
    return replace(known, files=tuple(files), addresses=addresses or known.addresses)


def cifar_members() -> dict[str, bytes]:
    """The files of the binary version of CIFAR-10, of four photographs each."""
    members = {}
    for batch in range(5):
        rows = PHOTOGRAPHS[batch * 4 : batch * 4 + 4].reshape(4, -1)
        labels = (np.arange(batch * 4, batch * 4 + 4, dtype=np.uint8) % 10)[:, None]
        members[f"cifar-10-batches-bin/data_batch_{batch + 1}.bin"] = np.hstack([labels, rows]).tobytes()
    return {**members, "cifar-10-batches-bin/batches.meta.txt": ("\n".join(NAMES) + "\n").encode()}


def packed(members: Mapping[str, bytes], *more: tarfile.TarInfo) -> bytes:
    """A .tar.gz of files, and of members without content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for member in more:
            archive.addfile(member)
    return buffer.getvalue()


CIFAR = {"cifar-10-binary.tar.gz": packed({**cifar_members(), "cifar-10-batches-bin/readme.html": b"<html>"})}

MADE_UP = {"mnist": (MNIST, IDX), "fashion_mnist": (FASHION_MNIST, IDX), "cifar10": (CIFAR10, CIFAR)}
