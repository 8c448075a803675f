"""The sources of data that is known by name: fetched when it is first asked for, then read like a person's own files."""

from __future__ import annotations

from typing import ClassVar

from zoo.data.cache import digest
from zoo.data.formats.cifar import CifarSource
from zoo.data.formats.idx import IdxSource
from zoo.data.known.catalogue import CIFAR10, CIFAR100, FASHION_MNIST, KMNIST, MNIST, Known
from zoo.data.known.fetch import fetch
from zoo.data.source import DataSource
from zoo.errors import DataError


class _Named(DataSource):
    """Goes before the source that reads the files, among the bases of a class."""

    known: ClassVar[Known]

    @classmethod
    def accepts(cls, location: str) -> bool:
        """Only the bare name; a path is for the kind of its files."""
        return location == ""

    def __init__(self, location: str = "") -> None:
        if location:
            raise DataError(
                f"--data {self.name}:{location}: {self.known.title} is fetched by its name alone; write --data {self.name}, or "
                "--data PATH for files of your own"
            )
        super().__init__(str(fetch(self.known)))  # type: ignore[safe-super]  # of the source that reads them
        self.title = self.known.title


class _NamedIdx(_Named, IdxSource):
    """Its labels are numbers, which the catalogue may have names for."""

    def __init__(self, location: str = "") -> None:
        super().__init__(location)
        if self.known.class_names:
            self.class_names = [self.known.class_names[int(number)] for number in self.class_names]

    def fingerprint(self) -> str:
        found = super().fingerprint()  # without names that of the person's own copy, whose prepared store serves both
        return digest("named", found, *self.class_names) if self.known.class_names else found


class MnistSource(_NamedIdx):
    """60,000 handwritten digits, 28×28. http://yann.lecun.com/exdb/mnist/"""

    name = "mnist"
    summary = "MNIST, all 60,000 digits (28×28, grey, ten classes); fetched when first used, 10 MB."
    known = MNIST


class FashionMnistSource(_NamedIdx):
    """60,000 pictures of clothes, 28×28. https://github.com/zalandoresearch/fashion-mnist"""

    name = "fashion_mnist"
    summary = "Fashion-MNIST, 60,000 clothes (28×28, grey, ten classes); fetched when first used, 26 MB."
    known = FASHION_MNIST


class KmnistSource(_NamedIdx):
    """60,000 cursive Japanese characters, 28×28. http://codh.rois.ac.jp/kmnist/"""

    name = "kmnist"
    summary = "Kuzushiji-MNIST, 60,000 characters (28×28, grey, ten classes); fetched when first used, 18 MB."
    known = KMNIST


class Cifar10Source(_Named, CifarSource):
    """50,000 photographs, 32×32. https://www.cs.toronto.edu/~kriz/cifar.html"""

    name = "cifar10"
    summary = "CIFAR-10, 50,000 photographs (32×32, colour, ten classes); fetched when first used, 170 MB."
    known = CIFAR10


class Cifar100Source(_Named, CifarSource):
    """50,000 photographs, 32×32, with their hundred fine labels. https://www.cs.toronto.edu/~kriz/cifar.html"""

    name = "cifar100"
    summary = "CIFAR-100, 50,000 photographs (32×32, colour, a hundred classes); fetched when first used, 169 MB."
    known = CIFAR100


NAMED: tuple[type[DataSource], ...] = (
    MnistSource,
    FashionMnistSource,
    KmnistSource,
    Cifar10Source,
    Cifar100Source,
)
"""All of them."""
