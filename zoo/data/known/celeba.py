"""CelebA, which no address delivers without a page in between: the person's own copy, or one on the Hub."""

from __future__ import annotations

from zoo.data.known.fetch import downloads
from zoo.data.known.hub import HubSource
from zoo.data.readers import open_place
from zoo.data.reading import Reading
from zoo.errors import DataError

COPY = "flwrlabs/celeba"
"""On the Hub: the aligned and cropped pictures, in Parquet files. Not its authors', nor compared by us with theirs."""
PAGE = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
OWN = ("img_align_celeba", "img_align_celeba.zip")
"""What its authors call it, unpacked and packed."""


class CelebaSource(HubSource):
    """162,770 faces of celebrities, 178×218, to train with; the person's own copy may have all 202,599."""

    name = "celeba"
    summary = f"CelebA, faces (178×218, colour): {OWN[1]} of your own in the cache, or else hf:{COPY}."

    @classmethod
    def accepts(cls, location: str) -> bool:
        """Only the bare name; a path is for the kind of its files."""
        return location == ""

    def __init__(self, location: str = "", reading: Reading | None = None) -> None:
        if location:
            raise DataError(f"--data celeba:{location}: write --data celeba, or --data PATH for a copy of your own")
        places = [place for name in OWN if (place := downloads("celeba") / name).exists()]
        if places:
            self._stand_for(open_place(str(places[0]), reading), "CelebA")
            return
        try:
            super().__init__(COPY, reading)
        except DataError as error:
            raise DataError(f"{error}; or put {OWN[1]}, from {PAGE}, into {downloads('celeba')}") from error
        self.title = "CelebA"
