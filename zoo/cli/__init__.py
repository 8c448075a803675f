"""The command line. One file per command; a command imports what it needs when it runs."""

from __future__ import annotations

import importlib
import io
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress

from zoo.cli.importing import importing
from zoo.cli.stopping import Stopped, exit_code
from zoo.cli.streams import is_broken, silence
from zoo.command import OWN_COMMANDS, Command
from zoo.errors import PluginError, ZooError, unknown
from zoo.system.names import cut, printable
from zoo.system.spinning import bound_spinning

_LONGEST = 8000  # letters of a message: what is longer has a file's content in it

COMMANDS = OWN_COMMANDS
"""Name to half a sentence. A file of this folder is called like each of them."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and exit: 0 when it did what was asked, 2 for a mistake that its message explains."""
    import zoo

    if not hasattr(zoo, "hookimpl"):
        from zoo.system.distribution import foreign

        sys.exit(
            f"zoo: {zoo.__file__} is not zoo's: {foreign() or 'another package has put it there; install zoo-gan anew'}"
        )
    bound_spinning()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a character gets a mark in its place
    sys.exit(run(sys.argv[1:] if argv is None else argv))


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code."""
    try:
        code = _dispatch(*(arguments or ["--help"]))
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where it can be told that it fails
        return code
    except ZooError as error:
        _tell(error)
        return 2
    except OSError as error:
        if sys.stdout is None or not is_broken(sys.stdout):  # it is of something else
            raise
        silence(sys.stdout)
        if isinstance(error, BrokenPipeError):  # the reader of our output went away, as in `zoo list | head -1`
            return 0
        _tell(ZooError(f"cannot write to standard output: {error.strerror or error}"))
        return 2
    except KeyboardInterrupt as stop:
        failed = stop.__context__ if isinstance(stop, Stopped) else None  # to save, perhaps, which it waited for
        if isinstance(failed, ZooError):
            _tell(failed)
        elif not (isinstance(stop, Stopped) and stop.told):
            with suppress(OSError):  # the terminal is gone
                print("zoo: interrupted", file=sys.stderr)
        return exit_code(stop)


def _tell(error: ZooError) -> None:
    with suppress(OSError):  # the terminal is gone
        if os.environ.get("ZOO_TRACEBACK", "0") not in ("", "0"):
            traceback.print_exception(error)
        print(f"zoo: {cut(printable(str(error), lines=True), _LONGEST)}", file=sys.stderr)
        if isinstance(error, PluginError) and error.__cause__ and "ZOO_TRACEBACK" not in os.environ:
            print("zoo: ZOO_TRACEBACK=1 before the command shows the traceback", file=sys.stderr)


def _dispatch(command: str, *rest: str) -> int:
    """Run one of zoo's own commands, or else one of a plugin's."""
    if command in ("-h", "--help", "help"):
        print(usage())
        return 0
    if command in ("--version", "-V"):
        import zoo

        print(f"zoo {zoo.__version__}")
        return 0
    arguments = [*rest]
    if command in COMMANDS:
        with importing():
            module = importlib.import_module(f"zoo.cli.{command}")
        code: int = module.run(arguments)
        return code
    from zoo.plugins.kinds import COMMAND
    from zoo.plugins.registry import registry

    known = registry()
    if command not in known.names_of(COMMAND):
        raise ZooError(unknown("command", command, [*COMMANDS, *known.names_of(COMMAND)], "zoo --help"))
    found: Command = known.find(COMMAND, command)()
    return found.run(arguments)


def usage() -> str:
    """What ``zoo --help`` prints."""
    from zoo.plugins.listing import commands_of_plugins

    others = commands_of_plugins()
    width = max(map(len, [*COMMANDS, *others]))

    def rows(commands: Mapping[str, str]) -> str:
        return "\n".join(f"  {name:<{width}}  {sentence}" for name, sentence in commands.items())

    return (
        "usage: zoo COMMAND [ARGUMENTS]\n\nA model zoo of GANs: every architecture a plugin, one engine, fast ops.\n\n"
        f"{rows(COMMANDS)}\n\n"
        + (f"of plugins:\n{rows(others)}\n\n" if others else "")
        + "zoo COMMAND --help tells more of one. To begin: zoo train dcgan"
    )
