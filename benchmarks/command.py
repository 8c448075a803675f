"""What the programs of this folder share at the command line: mistakes answered before anything is measured, signs of life.

Each checker is a `type` for argparse, which ends with status 2 and the sentence that says what was given and what fits.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from argparse import ArgumentTypeError
from collections.abc import Callable, Collection
from pathlib import Path

import torch

from zoo.engine.runtime.device import choose_device
from zoo.errors import OptionError, ZooError
from zoo.plots.figure import new_figure


def one_of(kind: str, known: Collection[str]) -> Callable[[str], str]:
    """A name that is known."""

    def check(name: str) -> str:
        if name not in known:
            raise ArgumentTypeError(f"unknown {kind} {name!r}; known: {'; '.join(known)}")
        return name

    return check


def at_least(least: int) -> Callable[[str], int]:
    """A whole number that is large enough."""

    def check(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise ArgumentTypeError(f"{text!r} does not do; give a whole number, at least {least}")
        return number

    return check


def new_file(name: str) -> Path:
    """A file that can be written: a new one, or one to write over."""
    path = Path(name)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise ArgumentTypeError(f"{name!r} cannot be written; give the name of a file in a folder that exists")
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise ArgumentTypeError(f"{name!r} cannot be written: no permission; give a file elsewhere")
    return path


def new_picture(name: str) -> Path:
    """Such a file, and a matplotlib to draw it with."""
    try:
        new_figure(1, 1)
    except ZooError as error:
        raise ArgumentTypeError(f"{name!r} cannot be drawn: {error}") from error
    return new_file(name)


def folder(name: str) -> Path:
    """A folder, made where it is missing."""
    path = Path(name).absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArgumentTypeError(f"{name!r} cannot be made: {error.strerror}; give a folder elsewhere") from error
    return path


def device(name: str) -> torch.device:
    """One that is here."""
    try:
        return choose_device(name)
    except OptionError as error:
        raise argparse.ArgumentError(None, str(error)) from error  # it names the option itself


def interpreter(name: str) -> str:
    """A Python that starts."""
    try:
        done = subprocess.run([name, "-c", ""], capture_output=True, stdin=subprocess.DEVNULL)
        reason = f"it ends with status {done.returncode}" if done.returncode else None
    except OSError as error:
        reason = error.strerror
    if reason:
        raise ArgumentTypeError(f"{name!r} does not start: {reason}; give the path of a Python")
    return name


def say(text: str) -> None:
    """A line for the person who waits; results alone go to standard output."""
    print(text, file=sys.stderr, flush=True)


def write(path: Path, text: str) -> None:
    """Text into a file. What is in the way now was not there when the program began, so it ends in words."""
    try:
        path.write_text(text + "\n", "utf-8")
    except OSError as error:
        raise SystemExit(f"cannot write {path}: {error.strerror}; what was measured is above") from error
