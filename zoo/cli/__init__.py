"""The command line. One file per command; a command imports what it needs when it runs."""

from __future__ import annotations

import importlib
import io
import os
import sys
import traceback
from collections.abc import Sequence

from zoo.cli.importing import importing
from zoo.errors import PluginError, ZooError, unknown

COMMANDS = {
    "train": "train a GAN: zoo train dcgan",
    "resume": "go on with a run that was stopped, exactly where it was",
    "sample": "draw pictures with a trained generator",
    "interpolate": "draw the way from picture to picture: a strip and a film",
    "arithmetic": "compute with latents: mean(3,17) - mean(5,9) + 8, drawn as an equation",
    "curves": "draw a run's losses, D(x) and D(G(z)) over the steps",
    "theory": "the optimal discriminator and the value of the game, where the densities are known",
    "list": "the architectures and data sources that are installed",
    "plugins": "the plugins that are installed, what each brings, and what is wrong with one",
    "info": "an architecture: its presets, networks and options",
    "new": "write a package for a GAN of your own: zoo new my-gan",
    "check": "whether an architecture passes the checks: zoo check dcgan",
    "bench": "the ops and training steps side by side with eager PyTorch and torch.compile",
    "doctor": "versions, devices, the native core, plugins: what works here",
}


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and exit: 0 when it did what was asked, 2 for a mistake that its message explains."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a character gets a mark in its place
    sys.exit(run(sys.argv[1:] if argv is None else argv))


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    command, *rest = arguments
    if command in ("--version", "-V"):
        import zoo

        print(f"zoo {zoo.__version__}")
        return 0
    try:
        if command not in COMMANDS:
            raise ZooError(unknown("command", command, COMMANDS, "zoo --help"))
        with importing():
            module = importlib.import_module(f"zoo.cli.{command}")
        code: int = module.run(rest)
        return code
    except ZooError as error:
        if os.environ.get("ZOO_TRACEBACK", "0") not in ("", "0"):
            traceback.print_exception(error)
        print(f"zoo: {error}", file=sys.stderr)
        if isinstance(error, PluginError) and error.__cause__ and "ZOO_TRACEBACK" not in os.environ:
            print("zoo: ZOO_TRACEBACK=1 before the command shows the traceback", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output went away, as in `zoo list | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("zoo: interrupted", file=sys.stderr)
        return 130


def usage() -> str:
    """What ``zoo --help`` prints."""
    width = max(map(len, COMMANDS))
    rows = "\n".join(f"  {name:<{width}}  {sentence}" for name, sentence in COMMANDS.items())
    return (
        "usage: zoo COMMAND [ARGUMENTS]\n\nA model zoo of GANs: every architecture a plugin, one engine, fast ops.\n\n"
        f"{rows}\n\nzoo COMMAND --help tells more of one. To begin: zoo train dcgan"
    )
