"""Whose fault a failure is: the architecture's, or that of the machine it is checked on."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from zoo.errors import PluginError, RunError, ZooError
from zoo.system.memory import OutOfMemoryError, ran_out

if TYPE_CHECKING:
    from zoo.plugins.plugin import Plugin


@contextmanager
def not_the_machine(plugin: Plugin) -> Iterator[None]:
    """A block whose failures say something about a plugin's architecture: a full disk or too little memory do not.

    They become a RunError of zoo's.
    """
    try:
        yield
    except Exception as error:
        if why := machine(error, plugin):
            raise RunError(why) from error
        raise


def machine(error: BaseException, plugin: Plugin) -> str:
    """What the machine cannot do, where that is behind an error; empty where it is not.

    An error of the system that a line of the plugin led to, such as a file that it does not find, is the plugin's.
    """
    for each in _causes(error):
        if isinstance(each, PluginError):
            return ""
        if ran_out(each) or isinstance(each, OutOfMemoryError):
            return "not enough memory; smaller networks will do: see zoo check --help"
        if isinstance(each, OSError) and not plugin.place(each):
            return (
                f"this machine failed, not the architecture: {each}; the kit writes to {tempfile.gettempdir()} "
                "(TMPDIR names another place)"
            )
    return ""


def reason(error: BaseException, plugin: Plugin) -> str:
    """What an error in a training step says, with its line and the network in whose forward() it arose, where it was in one."""
    role = _network(error)
    return (f"the {role} fails: " if role else "") + plugin.reason(error)


def _network(error: BaseException) -> str:
    """The role of the network that a step was asking when an error arose; empty where it was asking none."""
    from zoo.engine.step import Step

    step = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        me = frame.f_locals.get("self")
        if isinstance(me, Step):
            step = me
        elif step is not None:
            for role, network in (("generator", step.generator), ("discriminator", step.discriminator)):
                if me is network:
                    return role
    return ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, what it was raised from, and so on; a compiler of torch's wraps what it met."""
    while error is not None:
        yield error
        behind = error.__cause__ or getattr(error, "inner_exception", None)
        error = behind or (error.__context__ if isinstance(error, ZooError) else None)
