"""Commands: those that come with zoo, and what a plugin's own is. Importing this imports no torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

OWN_COMMANDS = {
    "train": "train a GAN: zoo train dcgan",
    "resume": "go on with a run that was stopped, exactly where it was",
    "verify": "whether a run is whole: digests of all files, and its last steps done again",
    "sample": "draw pictures with a trained generator",
    "interpolate": "draw the way from picture to picture: a strip and a film",
    "arithmetic": "compute with latents: mean(3,17) - mean(5,9) + 8, drawn as an equation",
    "evaluate": "measure what a trained generator draws: zoo evaluate runs/dcgan-001",
    "export": "write a trained generator as a file that other programs read",
    "data": "write prepared images for other tools: zoo data export photos --out folder",
    "cache": "the prepared images that are kept, and removing them: zoo cache clear",
    "report": "a page on a run, or on several side by side: pictures, curves, scores, settings",
    "curves": "draw a run's losses, D(x) and D(G(z)) over the steps",
    "theory": "the optimal discriminator and the value of the game, where the densities are known",
    "list": "the architectures and data sources that are installed; --runs: the runs that are there",
    "plugins": "the plugins that are installed, what each brings, and what is wrong with one",
    "info": "an architecture: its presets, networks and options",
    "new": "write a package for a GAN of your own: zoo new my-gan",
    "check": "whether an architecture passes the checks: zoo check dcgan",
    "bench": "the ops and training steps side by side with eager PyTorch and torch.compile",
    "completion": "the script with which bash, zsh or fish completes what is typed",
    "doctor": "versions, devices, the native core, plugins: what works here",
}
"""The commands that come with zoo, each with half a sentence; ``zoo.cli`` has a file for each. No plugin can replace one."""


class Command(ABC):
    """``zoo NAME ARGUMENTS``: what a plugin adds to the command line.

    A plugin registers the class through the hook `zoo_register_commands(register)`; it is made without arguments, when it is
    called. ``zoo --help`` shows its name and summary, and runs none of its code.
    """

    name: ClassVar[str]
    """What is typed behind ``zoo``: lower case, letters, digits, ``-`` and ``_``; none of zoo's own commands."""
    summary: ClassVar[str]
    """Half a sentence for ``zoo --help``."""

    @abstractmethod
    def run(self, arguments: Sequence[str]) -> int:
        """Do it, and return the exit code: 0 where it did what was asked, else up to 255.

        Args:
            arguments: what was typed behind the name, ``-h`` and ``--help`` included: ``argparse.ArgumentParser(prog="zoo NAME")``
                reads them and answers those two. An exit that it asks for is one.

        Raises:
            ZooError: one of `zoo.errors`, for a person's mistake: it is printed in a line, and the exit code is 2.
        """
