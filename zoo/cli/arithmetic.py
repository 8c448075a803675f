"""``zoo arithmetic RUN "mean(3,17,21) - mean(5,9) + mean(2,8)"``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from zoo.cli.arguments import parse
from zoo.cli.drawing import check_drawable
from zoo.cli.importing import importing
from zoo.generate.latent.expression import parse_expression
from zoo.generate.pictures.output import PICTURES, check_out, make_folder
from zoo.generate.request import check_truncation


@dataclass
class Compute:
    """Compute with latents, and draw terms and result in one picture.

    A number is a seed, as zoo sample --numbered shows them. Written are +, -, brackets, mean(3,17,21), and 0.5 * 7 for
    half of seed 7: a number with a * behind it is a factor.
    """

    run: tyro.conf.Positional[Path]
    """The folder that zoo train named; or an architecture that comes trained: dcgan."""
    expression: tyro.conf.Positional[str]
    """What to compute, in quotes: "mean(3,17,21) - mean(5,9) + 0.5 * 8"."""
    label: Annotated[str | None, tyro.conf.arg(name="class")] = None
    """For a conditional run: the class to draw, by index or name."""
    out: Path = Path("arithmetic.png")
    """The picture to write: NAME.png or NAME.jpg."""
    truncation: float | None = None
    """As for zoo sample: give it here too where the seeds were found with it."""
    step: int | None = None
    """The checkpoint of this step instead of the newest."""
    raw: bool = False
    """Draw with the weights themselves, not with their running average."""


def run(arguments: Sequence[str]) -> int:
    """Compute; returns the exit code."""
    given = parse(Compute, "arithmetic", list(map(_positional, arguments)))
    text = given.expression.strip()
    parse_expression(text)  # what is wrong with it is said before anything is loaded
    check_truncation(given.truncation, name="--truncation")
    check_out(given.out, PICTURES, folder=False)

    with importing():
        from zoo.generate.pictures.grid import save
        from zoo.plugins.load import load
        from zoo.system.memory import enough_memory

    generator = load(given.run, step=given.step, averaged=not given.raw)
    check_drawable(generator.spec, given.out)
    with enough_memory("write a shorter expression"):
        result = generator.arithmetic(text, given.label, truncation=given.truncation)
        make_folder(given.out.parent)
        save(result.picture(), given.out)
    print(f"{text} of {generator.architecture}, step {generator.step}: {given.out}")
    return 0


def _positional(argument: str) -> str:
    """An expression that begins with a minus sign, such as ``-mean(3,17) + 5``, made to look unlike a flag."""
    flag = re.fullmatch(r"--?[A-Za-z][\w-]*(=.*)?", argument, re.DOTALL)
    return f" {argument}" if argument.startswith("-") and not flag else argument
