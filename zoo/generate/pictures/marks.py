"""What a picture file that zoo draws says of itself, in a comment, so that nobody trains on it by accident."""

from __future__ import annotations

from typing import Any

from PIL import PngImagePlugin


def mark(comment: str, kind: str) -> dict[str, Any]:
    """What Pillow's `save` takes to write a comment into a file of that format; nothing where it has no place for one."""
    if kind in ("JPEG", "GIF"):
        return {"comment": comment}
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", comment)
    return {"pnginfo": text} if kind == "PNG" else {}
