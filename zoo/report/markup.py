"""HTML in which everything that is not markup of ours is text: what a run holds cannot become an element or a script."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from typing import Any

from zoo.system.names import brief, cut, printable

LONGEST = 300
"""Letters of a text that came from a run; of a longer one the middle is left out."""

_EMPTY = frozenset(("br", "img", "input", "meta", "link", "line", "path", "circle", "rect"))


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def words(value: object, most: int = LONGEST) -> str:
    """A value that a run holds, of whatever kind, as a person reads it: printable, and not without end."""
    if isinstance(value, str):
        return cut(printable(value), most)
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple) and all(isinstance(each, str | int | float) for each in value):
        return cut(", ".join(words(each, most) for each in value[:most]), most) or "none"
    if isinstance(value, dict | list):
        try:
            return cut(printable(json.dumps(value, ensure_ascii=False)), most)
        except (ValueError, RecursionError):
            return brief(value, most)
    return brief(value, most)


def tag(name: str, /, *children: object, **attributes: Any) -> Markup:
    """An element. Children that are no `Markup` are text; None and empty lists are left out.

    `attributes`: ``class_`` is class, ``aria_label`` is aria-label; None is left out, True has no value.
    """
    shown = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None)
    if name in _EMPTY:
        return Markup(f"<{name}{shown}/>" if name in ("line", "path", "circle", "rect") else f"<{name}{shown}>")
    return Markup(f"<{name}{shown}>{join(children)}</{name}>")


def join(children: Iterable[object]) -> Markup:
    """Elements and texts one behind the other."""
    return Markup("".join(_child(each) for each in children))


def _child(child: object) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return str(child)
    if isinstance(child, list | tuple):
        return str(join(child))
    return escape(words(child, 10 * LONGEST))


def _attribute(name: str, value: object) -> str:
    name = name.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    return f' {name}="{value}"' if isinstance(value, Markup) else f' {name}="{escape(words(value, 10 * LONGEST))}"'


def lines(texts: Iterable[str]) -> Markup:
    """Lines of text, in an element that keeps their ends."""
    return Markup("\n".join(escape(words(text, 10 * LONGEST)) for text in texts))


def number(value: float) -> str:
    """A number as it stands on an axis or in a table: 0.0123, 4.56, 12,345, 1.2e+09."""
    size = abs(value)
    if size >= 1e9 or 0 < size < 1e-4:
        return f"{value:.3g}"
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def facts(rows: Iterable[tuple[str, object]], class_: str = "facts") -> Markup:
    """Names and what they are; rows without anything are left out."""
    cells = [tag("div", tag("dt", name), tag("dd", value)) for name, value in rows if value not in (None, "", [])]
    return tag("dl", *cells, class_=class_)


def table(head: Iterable[object], rows: Iterable[Iterable[object]], caption: str, class_: str | None = None) -> Markup:
    """A table that scrolls within itself where the page is narrow; the first cell of each row is its head."""
    body = []
    for first, *rest in rows:
        body.append(tag("tr", tag("th", first, scope="row"), *(tag("td", each) for each in rest)))
    top = tag("thead", tag("tr", *(tag("th", each, scope="col") for each in head)))
    inner = tag("table", tag("caption", caption), top, tag("tbody", *body), class_=class_)
    return tag("div", inner, class_="scroll", tabindex="0", role="region", aria_label=caption)
