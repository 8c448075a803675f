"""The console that commands print to."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to `zoo.cli.run`: a reader that went away is no error."""
        raise


def standard_output() -> Console:
    """A console on standard output."""
    return _Console(highlight=False)


def table(*headers: str) -> Table:
    """An empty table as every command shows its own: no lines, bold headers."""
    return Table(*headers, box=None, pad_edge=False, header_style="bold")
