"""TensorBoard: the numbers and pictures of a run as event files (``--watch tensorboard``), and the command that shows them."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from zoo_plugins.tensorboard.command import ADVICE, Show

import zoo

if TYPE_CHECKING:
    from collections.abc import Callable

    from zoo_plugins.tensorboard.callback import TensorBoard


@zoo.hookimpl
def zoo_training_callbacks(run: zoo.Run) -> TensorBoard:
    """The callback; raises OptionError where a run asks for it and the package it writes with is not there."""
    from zoo_plugins.tensorboard.callback import TensorBoard

    if TensorBoard.name in run.config["options"]["watch"] and find_spec("tensorboard") is None:
        raise zoo.errors.OptionError(
            f"--watch tensorboard needs the package tensorboard, which is not installed; {ADVICE}"
        )
    return TensorBoard()


@zoo.hookimpl
def zoo_register_commands(register: Callable[[type[zoo.Command]], None]) -> None:
    """``zoo tensorboard``."""
    register(Show)
