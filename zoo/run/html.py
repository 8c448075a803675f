"""What a notebook shows: tables and pictures as HTML that stands alone, with everything in it escaped."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

LARGEST = 4_000_000
"""Bytes of a picture beyond which it is named in place of shown: a notebook holds all that it shows."""


def facts(rows: Mapping[str, object]) -> str:
    """Names and what they are, a row for each; rows without anything are left out."""
    cells = "".join(
        f'<tr><th style="text-align: left">{_text(name)}</th><td style="text-align: left">{_text(value)}</td></tr>'
        for name, value in rows.items()
        if value not in (None, "")
    )
    return f"<table>{cells}</table>"


def picture(png: bytes | None, about: str) -> str:
    """A PNG file within the page; `about` in place of one that is missing or too large."""
    if png is None or len(png) > LARGEST:
        return f"<p>{_text(about)}</p>"
    return f'<img alt="{_text(about)}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'


def bar(done: int, total: int, words: str, notes: Sequence[str] = ()) -> str:
    """How far something is, in words too, and lines below it."""
    lines = "".join(f"<br>{_text(note)}" for note in notes)
    return f'<div><progress value="{done}" max="{max(total, 1)}" style="width: 20em"></progress> {_text(words)}{lines}</div>'


def losses(metrics: Mapping[str, Any], short: bool = False) -> str:
    """The numbers of a logged step that a person follows; `short` fits a terminal of 80 columns."""
    loss, digits = ("", 2) if short else (" loss", 3)
    names = {"d_loss": f"D{loss}", "g_loss": f"G{loss}", "d_real": "D(x)", "d_fake": "D(G(z))"}
    shown = [f"{title} {metrics[name]:.{digits}f}" for name, title in names.items() if _is_number(metrics.get(name))]
    return "  ".join(shown)


def speed(metrics: Mapping[str, Any], short: bool = False) -> str:
    """Images per second of a logged step; empty where it is not known."""
    value = metrics.get("images_per_second")
    return f"{value:,.0f}{'/s' if short else ' images/s'}" if _is_number(value) else ""


def clock(seconds: float) -> str:
    """Seconds as minutes and seconds, or hours and minutes."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 60}:{whole % 60:02d}"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text(value: object) -> str:
    return escape(str(value))
