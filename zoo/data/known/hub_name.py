"""What `--data hf:…` names: a data set of the Hugging Face Hub, which part of it, and as of when."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from zoo.errors import DataError

SPELLING = "hf:USER/NAME[/CONFIG][@REVISION][:SPLIT]"
_NAME = r"\w[\w.-]*"
_LOCATION = re.compile(
    rf"(?P<repository>{_NAME}(/{_NAME})?)(/(?P<config>[^@:/]+))?(@(?P<revision>[^@:]+))?(:(?P<split>[^@:/]+))?$"
)


@dataclass(frozen=True)
class HubName:
    """A data set on the Hub; None where a person leaves the choice to us."""

    repository: str
    """USER/NAME."""
    config: str | None = None
    """One of several sets that the repository holds; the Hub calls them subsets, too."""
    revision: str | None = None
    """A branch, a tag or a commit."""
    split: str | None = None
    """train, test, …"""

    @classmethod
    def read(cls, location: str) -> HubName:
        """From what stands after `hf:`. Raises DataError where it is no such name."""
        found = _LOCATION.match(location)
        if found is None:
            raise DataError(f"--data hf:{location}: this is no name of a data set; write {SPELLING}")
        return cls(**found.groupdict())

    def at(self, revision: str, split: str) -> HubName:
        """The same with what was chosen."""
        return replace(self, revision=revision, split=split)

    def __str__(self) -> str:
        parts = (("/", self.config), ("@", self.revision), (":", self.split))
        return f"hf:{self.repository}" + "".join(mark + part for mark, part in parts if part)
