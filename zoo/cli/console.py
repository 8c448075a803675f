"""The console that commands print to."""

from __future__ import annotations

from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from zoo.system.names import printable


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to `zoo.cli.run`: a reader that went away is no error."""
        raise


def standard_output() -> Console:
    """A console on standard output."""
    return _Console(highlight=False)


class _Table(Table):
    def add_row(self, *cells: RenderableType | None, **more: Any) -> None:
        """Text is shown as it is: what plugins and people write is no markup, though it may have brackets."""
        super().add_row(
            *(Text(printable(cell, lines=True)) if isinstance(cell, str) else cell for cell in cells), **more
        )


def table(*headers: str) -> Table:
    """An empty table as every command shows its own: no lines, bold headers."""
    return _Table(*headers, box=None, pad_edge=False, header_style="bold")
