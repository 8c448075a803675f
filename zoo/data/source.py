"""Where images come from: the base class that every kind of data implements, built in or from a plugin."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from zoo.data.images import Fit, Images, Unreadable
from zoo.data.spec import DataSpec


class DataSource(ABC):
    """A set of images that can be read once, in order, by several threads.

    A plugin subclasses it and registers the class through the hook `zoo_register_data_sources(register)`. `--data NAME`
    and `--data NAME:REST` then build it with the location REST (empty for the bare name), and `--data PATH` builds the
    first source whose `accepts` says yes. A whole source:

        class Stripes(DataSource):
            \"\"\"A thousand pictures of stripes.\"\"\"
            name = "stripes"
            summary = "Horizontal and vertical stripes, made on the fly."

            @classmethod
            def accepts(cls, location):
                return location == ""                       # `--data stripes` works without anything behind it

            def __init__(self, location):
                self.title = "stripes"
                self.channels, self.height, self.width = 1, 32, 32
                self.class_names = ["horizontal", "vertical"]

            def __len__(self):
                return 1000

            def fingerprint(self):
                return "stripes-1"                          # change it whenever the pixels change

            def chunks(self):
                return range(0, 1000, 100)                  # anything small; handed to `decode`

            def decode(self, item, spec):
                labels = numpy.arange(item, item + 100) % 2
                pixels = ...                                # uint8 (100, 32, 32, 1)
                yield Images(pixels, labels)

    `chunks` is read by one thread, in order and only a few items ahead; `decode` runs in several threads at once, each
    on its own item, so it must not change the source. Together the results of all items, in the order of `chunks`, are
    the data. Memory stays bounded when neither an item nor a single `Images` holds more than a few MiB.
    """

    name: ClassVar[str]
    """What a person types: `--data NAME` or `--data NAME:LOCATION`."""
    summary: ClassVar[str]
    """One sentence for `zoo list`."""
    points: ClassVar[bool] = False
    """True where the data is points on a line or in the plane, of `width` coordinates, instead of images: they are prepared as
    they are, neither scaled nor resized, and `height` and `channels` are 1."""
    takes_path: ClassVar[bool] = True
    """False where the location, what follows NAME: in `--data NAME:LOCATION`, is no path: it is then handed on as it is typed."""

    takes: ClassVar[tuple[str, ...]] = ()
    """The options of `zoo.data.reading.Reading` that it understands. Where there are any, its second argument is a `Reading`."""

    title: str
    """What a person reads after "50,000 images of", for example "CIFAR-10"."""
    channels: int
    """1 when every image is grey, else 3: what images have where nobody asks for other channels."""
    transparent: int | None = None
    """How many images have an alpha channel, which `decode` gives (4 channels) where `spec.channels` is 4; None: not known."""
    height: int | None = None
    """Pixels; None when the images differ in size."""
    width: int | None = None
    """Likewise."""
    class_names: list[str] = []  # noqa: RUF012  (an empty default that subclasses replace, never change)
    """One name per class; empty when unlabelled."""
    opened_as: str = ""
    """What `--data` opened it by, as it is found from any working directory; empty where it was made otherwise. Set by zoo."""
    read_with: Mapping[str, str] = MappingProxyType({})
    """The options that it was opened with (`zoo.data.reading.Reading`), where they are not the usual ones. Set by zoo."""
    notes: tuple[str, ...] = ()
    """Sentences worth telling the person, for example which of several files was chosen."""
    unused: tuple[str, ...] = ()
    """What is there and not used, by reason, with counts: with --strict no training begins."""
    why_unlabelled: str = ""
    """Why there are no classes, where a person might expect some."""

    pinned: str | None = None
    """What a run remembers in place of what was typed, where that may come to mean other data: `hf:USER/NAME@REVISION:SPLIT` for
    `hf:USER/NAME`."""

    @property
    def classes(self) -> int:
        """Number of classes; 0 when unlabelled."""
        return len(self.class_names)

    @classmethod
    @abstractmethod
    def accepts(cls, location: str) -> bool:
        """Whether `location` looks like data of this kind. Cheap (a name, the first bytes) and never raises."""

    @abstractmethod
    def __init__(self, location: str) -> None:
        """Open `location` and check its headers; raises DataError when they do not fit."""

    @abstractmethod
    def __len__(self) -> int:
        """Number of images, those included that may turn out to be unreadable."""

    @abstractmethod
    def fingerprint(self) -> str:
        """A hash of everything that decides the pixels, labels and class names: it is the key of the prepared store."""

    @abstractmethod
    def chunks(self) -> Iterable[Any]:
        """Work items in order. Read by one thread; raises DataError when the data turns out to be damaged."""

    @abstractmethod
    def decode(self, item: Any, spec: DataSpec) -> Iterator[Images | Unreadable]:
        """The images of one item, in order; called by several threads at once.

        Images may keep their own size: the caller fits them to `spec`. A source that can decode at a smaller size for
        less (JPEG) may do so, as long as no side gets smaller than `spec` asks.
        """

    def fitted(self, item: Any, spec: DataSpec, how: Fit) -> Iterator[Images | Unreadable]:
        """The images of one item as the store is to hold them: `decode`, then fitted to `spec`, cropped or stretched.

        Overridden where there is a shorter way to the same bytes. Raises DataError for what does not fit.
        """
        from zoo.data.fit import as_stored

        for part in self.decode(item, spec):
            yield part if isinstance(part, Unreadable) else as_stored(part, spec, self.classes, how)
