"""The classes that a generator draws: from names and indices to labels.

One rule, wherever a class is named: text is a name; where no class has that name, and none is called by a number, a number in
text is an index. A whole number, from Python, is an index.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from zoo.data.class_names import is_number
from zoo.errors import OptionError, unknown
from zoo.generate.request import is_whole

Labels = Sequence[int | str] | Tensor | None
"""Classes: whole numbers are indices, text is a name (or an index, where no class is called by a number)."""


class Classes:
    """The names of an architecture's classes; none where it draws without labels."""

    def __init__(self, names: Sequence[str], architecture: str, labelled: Sequence[str] = ()) -> None:
        """`labelled`: the architectures that take labels, for a message."""
        self.names = list(names)
        self.architecture = architecture
        self.labelled = labelled

    def __len__(self) -> int:
        return len(self.names)

    def need(self) -> None:
        """Raise OptionError where there are none, with the architectures that have some."""
        if self.names:
            return
        raise OptionError(
            f"{self.architecture} draws without labels; leave them out, or train one that takes them: "
            f"{', '.join(self.labelled) or 'none is installed'}"
        )

    def indices(self, labels: Labels) -> Tensor | None:
        """Class indices, int64, of labels given as indices or names; None for None.

        Raises OptionError for a label that does not exist, for no label at all, and where there are no classes.
        """
        if labels is None:
            return None
        self.need()
        values = labels.tolist() if isinstance(labels, Tensor) else labels
        if isinstance(values, str) or not hasattr(values, "__iter__"):
            if is_whole(values) or isinstance(values, str):
                raise OptionError(f"labels {values!r}: give a list, also of one class: [{values!r}]")
            raise OptionError(
                f"labels {values!r}: give a list of classes, as whole numbers or names: [0], or {self.names[:1]!r}"
            )
        found = [self._index(label) for label in values]
        if not found:
            raise OptionError(
                "an empty list of labels was given; give at least one, or leave labels out for every class"
            )
        return torch.tensor(found)

    def of_each(self, labels: Labels, count: int) -> Tensor | None:
        """One class for each of `count`, int64: the only label for all of them, or one each; None where there are no classes.

        Raises OptionError where labels are missing, too few or too many.
        """
        found = self.indices(labels)
        if found is None:
            if self.names:
                raise OptionError(f"{self.architecture} draws classes; say which one (--class): {self._some()}")
            return None
        if len(found) not in (1, count):
            raise OptionError(f"{len(found)} classes were given; give one" + (f", or {count}" if count > 1 else ""))
        return found.expand(count)

    def _index(self, label: int | str) -> int:
        if isinstance(label, str):
            if label in self.names:
                return self.names.index(label)
            if not re.fullmatch("[0-9]{1,18}", label):
                raise OptionError(unknown("class", label, self.names))
            if any(map(is_number, self.names)) and self.names != [str(index) for index in range(len(self))]:
                raise OptionError(
                    f"no class is called {label!r}; classes here are called by numbers, so that a number is a name and no index: "
                    f"{self._some()}"
                )
            label = int(label)
        last = len(self.names) - 1
        if not is_whole(label):
            raise OptionError(
                f"label {label!r} is no class; give whole numbers from 0 to {last}, or names: {self._some()}"
            )
        if not 0 <= label <= last:
            raise OptionError(f"label {label} is not one of the {last + 1} classes, 0 to {last}: {self._some()}")
        return int(label)

    def _some(self) -> str:
        return ", ".join(self.names[:10]) + (", …" if len(self.names) > 10 else "")
