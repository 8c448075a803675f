"""Kinds of files: which are pictures by name or by content, which a Pillow plugin reads, which are none."""

from __future__ import annotations

import importlib
import os
from functools import lru_cache

SUFFIXES = frozenset(
    (".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".webp")
)
SUFFIXES |= {".avif", ".jp2", ".j2k", ".jpf", ".tga", ".pcx", ".ppm", ".pgm", ".pbm", ".pnm", ".ico"}
"""Pictures that Pillow reads by itself."""

_HEIF = frozenset((".heic", ".heif", ".hif"))
_JXL = frozenset((".jxl",))

PLUGINS = {"pillow_heif": _HEIF, "pillow_jxl": _JXL}
"""Modules that teach Pillow to read more, and the kinds they are for. ``pip install "zoo-gan[pictures]"`` brings them."""

NOT_READ = frozenset(
    (
        ".svg",
        ".eps",
        ".ps",
        ".pdf",
        ".ai",
        ".psd",
        ".xcf",
        ".kra",
        ".dng",
        ".cr2",
        ".cr3",
        ".nef",
        ".arw",
        ".orf",
        ".raf",
    )
)
NOT_READ |= {".rw2", ".exr", ".hdr", ".dds", ".dcm", ".nii", ".fits", ".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v"}
"""Pictures and films that zoo does not read."""

ZIP = (".zip", ".cbz")
TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
"""How archives that are read are called."""

ARCHIVES = frozenset((".zip", ".tar", ".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".7z", ".rar", ".cbz", ".zst"))

_PLAIN = frozenset(
    (
        ".txt",
        ".md",
        ".rst",
        ".csv",
        ".tsv",
        ".json",
        ".jsonl",
        ".xml",
        ".yaml",
        ".yml",
        ".toml",
        ".ini",
        ".cfg",
        ".html",
    )
)
_PLAIN |= {
    ".py",
    ".ipynb",
    ".sh",
    ".log",
    ".npy",
    ".npz",
    ".pt",
    ".pth",
    ".pkl",
    ".db",
    ".sqlite",
    ".url",
    ".css",
    ".js",
}


def suffix_of(name: str) -> str:
    """The end of a file's name, in lower case: ``.jpg``; empty where it has none."""
    return os.path.splitext(name)[1].lower()


def is_plain(suffix: str) -> bool:
    """Whether a file of such a name is certainly no picture, so that nobody need look into it."""
    return suffix in _PLAIN or suffix in NOT_READ or suffix in ARCHIVES


def of_content(head: bytes) -> str:
    """The suffix that a file's first 32 bytes ask for, as ``.png``; empty where they are of no picture known here."""
    if head[4:8] == b"ftyp":
        brands = head[8:32]
        return ".avif" if b"avif" in brands or b"avis" in brands else ".heic" if _is_heif(brands) else ""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return ".webp"
    for start, suffix in _SIGNATURES:
        if head.startswith(start):
            return suffix
    return ""


_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", ".png"),
    (b"\xff\xd8\xff", ".jpg"),
    (b"GIF87a", ".gif"),
    (b"GIF89a", ".gif"),
    (b"II*\0", ".tif"),
    (b"MM\0*", ".tif"),
    (b"\xff\x0a", ".jxl"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", ".jxl"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", ".jp2"),
    (b"\xff\x4f\xff\x51", ".j2k"),
)


def _is_heif(brands: bytes) -> bool:
    return any(brand in brands for brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"))


def module_for(suffix: str) -> str | None:
    """The module that Pillow needs to read such files; None where it needs none."""
    return next((module for module, suffixes in PLUGINS.items() if suffix in suffixes), None)


@lru_cache
def is_installed(module: str) -> bool:
    """Whether one of `PLUGINS` is there; it is loaded, so that Pillow knows its kinds from now on."""
    try:
        found = importlib.import_module(module)
        if module == "pillow_heif":
            found.register_heif_opener()
    except Exception:  # one that does not fit this Pillow is as good as none
        return False
    return True


def is_read(suffix: str) -> bool:
    """Whether pictures of such a suffix can be read here."""
    module = module_for(suffix)
    return suffix in SUFFIXES if module is None else is_installed(module)
