"""The names of a new package, all made from one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from keyword import iskeyword

from zoo.errors import OptionError
from zoo.plugins.registry import registry
from zoo.system.distribution import DISTRIBUTION

LONGEST = 40
"""Letters of a name at most: longer ones push the lines of the files too far to the right."""

_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
_PREFIX = re.compile(r"zoo[-_]")
_TAKEN = {"Annotated", "Field"}  # what the module imports beside its class


@dataclass(frozen=True)
class Names:
    """Of ``my-gan``: what is typed, what pip knows, what Python imports, and the class."""

    architecture: str
    """``my-gan``"""

    @property
    def distribution(self) -> str:
        """``zoo-my-gan``, as indexes spell it."""
        return f"zoo-{self.architecture.replace('_', '-')}"

    @property
    def identifier(self) -> str:
        """``my_gan``"""
        return self.architecture.replace("-", "_")

    @property
    def module(self) -> str:
        """``zoo_my_gan``"""
        return f"zoo_{self.identifier}"

    @property
    def class_name(self) -> str:
        """``MyGan``"""
        return "".join(part.capitalize() for part in self.identifier.split("_"))


def choose_names(given: str) -> Names:
    """The names of a package for the architecture `given`; ``zoo-my-gan`` means ``my-gan``.

    Raises OptionError for a name that does not fit, or that is taken: by an architecture or a module that is installed.
    """
    name = _PREFIX.sub("", given, count=1) if _PREFIX.match(given) else given
    if not _NAME.fullmatch(name):
        raise OptionError(
            f"{given!r} is no name for an architecture: give lower-case letters, digits and single '-' or '_' between "
            f"them, a letter first, as in zoo new {_suggestion(name)}"
        )
    if len(name) > LONGEST:
        raise OptionError(f"{given!r} is {len(name)} letters long; give a name of {LONGEST} at most")
    names = Names(name)
    if iskeyword(name) or iskeyword(names.class_name) or names.class_name in _TAKEN:
        raise OptionError(f"{given!r} means something in Python already; try zoo new {name}-gan")
    if names.distribution == DISTRIBUTION:
        raise OptionError(
            f"a package for {name!r} would be called {DISTRIBUTION}, as zoo itself is; try zoo new my-{name}"
        )
    known = registry()
    if name in known.names:
        origins = known.conflicts.get(name) or f"it comes from {known.contribution(name).plugin.origin}"
        raise OptionError(f"there is an architecture {name!r} already, {origins}; choose another name (zoo list)")
    spec = find_spec(names.module)
    if spec is not None:
        place = spec.origin or ", ".join(spec.submodule_search_locations or ["Python itself"])
        raise OptionError(f"there is a module {names.module} already, {place}; choose another name, or uninstall it")
    return names


def _suggestion(given: str) -> str:
    """What was probably meant: ``My Gan!`` becomes my-gan."""
    likely = re.sub(r"[^a-z0-9]+", "-", given.lower()).strip("-").lstrip("-0123456789")[:LONGEST].rstrip("-")
    return likely if _NAME.fullmatch(likely) else "my-gan"
