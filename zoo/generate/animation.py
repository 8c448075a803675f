"""The fixed-latent grid over time, as an animated GIF."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from zoo.run.files import replacing

FRAMES = 60
"""Frames at most; a longer run shows every second grid, or every third, …"""


def animate(pictures: Sequence[Path], path: Path, milliseconds: int = 150, rest: int = 2500) -> None:
    """Write pictures of one size as a GIF that repeats: `milliseconds` each, `rest` for the last.

    One picture is read at a time; one that is damaged is left out. Fewer than two make no film: nothing is written then.
    Raises RunError where the file cannot be written.
    """
    pictures = [picture for picture in pictures if _readable(picture)]
    stride = -(-len(pictures) // FRAMES)
    chosen = [*pictures[:-1:stride], *pictures[-1:]] if stride else []
    if len(chosen) < 2:
        return
    durations = [milliseconds] * (len(chosen) - 1) + [rest]
    frames = _frames(chosen)
    with replacing(path) as temporary:
        first = next(frames)
        first.save(temporary, format="GIF", save_all=True, append_images=frames, duration=durations, loop=0)


def _readable(picture: Path) -> bool:
    try:
        with Image.open(picture) as image:
            image.verify()
    except (OSError, SyntaxError):  # what Pillow raises for a file that is cut off, or no picture
        return False
    return True


def _frames(pictures: Sequence[Path]) -> Iterator[Image.Image]:
    for picture in pictures:
        with Image.open(picture) as image:
            yield image.convert("L" if image.mode == "L" else "P", palette=Image.Palette.ADAPTIVE)
