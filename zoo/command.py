"""A command of a plugin's own. Importing this imports no torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar


class Command(ABC):
    """``zoo NAME ARGUMENTS``: what a plugin adds to the command line.

    A plugin registers the class through the hook `zoo_register_commands(register)`; it is made without arguments.
    """

    name: ClassVar[str]
    """What is typed behind ``zoo``: lower case, letters, digits, ``-`` and ``_``; none of zoo's own commands."""
    summary: ClassVar[str]
    """Half a sentence for ``zoo --help``."""

    @abstractmethod
    def run(self, arguments: Sequence[str]) -> int:
        """Do it; returns the exit code. Raises one of `zoo.errors` for a person's mistake.

        ``-h`` and ``--help`` are among the arguments.
        """
