"""What is known of published data: where its files are, how large they are and what they hash to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class Archive:
    """What is taken out of a .tar.gz; nothing else of it is written."""

    folder: str
    """The folder that comes out; in the archive, too, the files lie in a folder of this name."""
    members: Mapping[str, int]
    """The files that are taken, and how many bytes each has at most."""


@dataclass(frozen=True)
class File:
    """One file, as its authors published it."""

    name: str
    size: int
    """Bytes."""
    sha256: str
    """In hexadecimal digits. Whatever its address, a file that hashes to something else is not taken."""
    archive: Archive | None = None
    """What is taken out of it where it is packed; None for a file that is read as it is."""


@dataclass(frozen=True)
class Known:
    """A set of data that people call by name."""

    name: str
    title: str
    addresses: tuple[str, ...]
    """Folders on the network that hold all the files; each is tried in turn."""
    files: tuple[File, ...] = field(repr=False)
    """Those that training needs, which are the training images and their labels."""
    class_names: tuple[str, ...] = ()
    """What the labels 0, 1, … stand for, where the files do not say."""
    page: str = ""
    """Where its authors tell of it: licence, and how to cite it."""


def _idx(images: tuple[int, str], labels: tuple[int, str]) -> tuple[File, ...]:
    return (File("train-images-idx3-ubyte.gz", *images), File("train-labels-idx1-ubyte.gz", *labels))


# Sizes and SHA-256 as TensorFlow Datasets publishes them (url_checksums); the files are also those of torchvision's MD5.
MNIST = Known(
    "mnist",
    "MNIST",
    ("https://storage.googleapis.com/cvdf-datasets/mnist", "https://ossci-datasets.s3.amazonaws.com/mnist"),
    _idx(
        (9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        (28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
    ),
    page="http://yann.lecun.com/exdb/mnist/",
)
FASHION_MNIST = Known(
    "fashion_mnist",
    "Fashion-MNIST",
    (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets",
    ),
    _idx(
        (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    ),
    ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    "https://github.com/zalandoresearch/fashion-mnist",
)
KMNIST = Known(
    "kmnist",
    "Kuzushiji-MNIST",
    ("http://codh.rois.ac.jp/kmnist/dataset/kmnist",),
    _idx(
        (18_165_135, "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"),
        (29_497, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"),
    ),
    ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    "http://codh.rois.ac.jp/kmnist/",
)

_CIFAR = ("https://www.cs.toronto.edu/~kriz", "https://cave.cs.toronto.edu/kriz")
_NAMES = 1 << 16  # bytes of a file of names, at most; the real ones have some hundred

# The binary versions: the Python versions are pickles.
CIFAR10 = Known(
    "cifar10",
    "CIFAR-10",
    _CIFAR,
    (
        File(
            "cifar-10-binary.tar.gz",
            170_052_171,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            Archive(
                "cifar-10-batches-bin",
                {**{f"data_batch_{number}.bin": 30_730_000 for number in range(1, 6)}, "batches.meta.txt": _NAMES},
            ),
        ),
    ),
    page="https://www.cs.toronto.edu/~kriz/cifar.html",
)
CIFAR100 = Known(
    "cifar100",
    "CIFAR-100",
    _CIFAR,
    (
        File(
            "cifar-100-binary.tar.gz",
            168_513_733,
            "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            Archive("cifar-100-binary", {"train.bin": 153_700_000, "fine_label_names.txt": _NAMES}),
        ),
    ),
    page="https://www.cs.toronto.edu/~kriz/cifar.html",
)

CATALOGUE: Mapping[str, Known] = MappingProxyType(
    {known.name: known for known in (MNIST, FASHION_MNIST, KMNIST, CIFAR10, CIFAR100)}
)
"""All of them by name."""
