"""Data as people have it: folders, archives and databases with all that lies in them, each with what zoo is to make of it.

    python tests/helpers/zoo_of_files.py FOLDER

lays all of it out for a person to try, with a table of what to expect.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

RED, BLUE, GREEN = (200, 30, 30), (30, 30, 200), (30, 200, 30)


@dataclass(frozen=True)
class Situation:
    """Some data, and what is to come of it."""

    build: Callable[[Path], object]
    """Lays it out in an empty folder; returns what is typed after --data where that is not the folder."""
    images: int
    """How many there are to train on; 0 where it is refused."""
    classes: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    """Parts of the lines that a person reads."""
    options: tuple[tuple[str, str], ...] = ()
    """--split and the like."""
    needs: str = ""
    """The module that it takes."""


SITUATIONS: dict[str, Situation] = {}


def situation(images: int, classes: str = "", *says: str, needs: str = "", **options: str) -> Callable[..., Any]:
    """Registers a builder of data under its name; `classes` are separated by spaces."""

    def register(build: Callable[[Path], object]) -> Callable[[Path], object]:
        found = Situation(build, images, tuple(classes.split()), says, tuple(options.items()), needs)
        SITUATIONS[build.__name__.replace("_", "-")] = found
        return build

    return register


def noise(seed: int = 0, size: tuple[int, int] = (24, 20)) -> Image.Image:
    """A picture like no other."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8))


def put(path: Path, picture: Image.Image | None = None, **save: Any) -> Path:
    """Write a picture, and the folders on the way to it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    (picture or noise(zlib.crc32(path.name.encode()))).save(path, **save)
    return path


def png(seed: int = 0) -> bytes:
    """The bytes of a PNG file."""
    file = io.BytesIO()
    noise(seed).save(file, "PNG")
    return file.getvalue()


def classes(folder: Path, *names: str, each: int = 3) -> None:
    """A folder for each class."""
    for name in names:
        for number in range(each):
            put(folder / name / f"{number}.png", noise(zlib.crc32(f"{name}/{number}".encode())))


# ---- nothing is dropped in silence


@situation(1, "", "2 .psd, 1 .mp4", "1 other file (readme.txt)")
def kinds_that_are_not_read(folder: Path) -> None:
    put(folder / "a.png")
    for name in ("a.psd", "b.psd", "c.mp4"):
        (folder / name).write_bytes(b"something")
    (folder / "readme.txt").write_text("hello")


@situation(1, "", "1 link that leads nowhere (gone.png)")
def links_that_lead_nowhere(folder: Path) -> None:
    put(folder / "a.png")
    (folder / "gone.png").symlink_to(folder / "nothing.png")


@situation(3, "", "1 other file (data.bin)")
def names_that_end_oddly_or_not_at_all(folder: Path) -> None:
    put(folder / "a.png").rename(folder / "a.png?width=400")
    put(folder / "b.jpg").rename(folder / "b")
    put(folder / "c.gif").rename(folder / "c.gif_large")
    (folder / "data.bin").write_bytes(b"\0\1\2\3 not a picture")


@situation(4, "", "2 pictures of several frames or pages, but for their first (film.gif, pages.tif)")
def several_frames_and_pages(folder: Path) -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in (RED, BLUE)]
    frames[0].save(folder / "film.gif", save_all=True, append_images=frames[1:])
    frames[0].save(folder / "pages.tif", save_all=True, append_images=frames[1:])
    put(folder / "one.gif")
    put(folder / "one.tif")


@situation(2, "", "folders of other programs (@eaDir, __MACOSX)", "4 hidden files")
def caches_of_systems_and_drives(folder: Path) -> None:
    put(folder / "a.png")
    put(folder / "b.png")
    put(folder / "@eaDir/a.png/SYNOPHOTO_THUMB_M.jpg")
    put(folder / "__MACOSX/a.png")
    put(folder / ".thumbnails/a.png")
    for name in (".DS_Store", "Thumbs.db", "._a.png"):
        (folder / name).write_bytes(b"x")


@situation(2, "", "1 run of zoo (runs/dcgan-001)", "2 grids drawn by zoo (more.jpg, more.png)")
def runs_and_grids_of_our_own(folder: Path) -> None:
    from zoo.generate.pictures.grid import grid, save

    put(folder / "a.png")
    put(folder / "b.png")
    run = folder / "runs/dcgan-001"
    for name in ("checkpoints", "samples"):
        (run / name).mkdir(parents=True)
    (run / "config.json").write_text("{}")
    put(run / "samples/step-00000500.png")
    drawn = grid(np.stack([np.asarray(noise(seed)) for seed in range(4)]), 2)
    save(drawn, folder / "more.png")
    save(drawn, folder / "more.jpg")


@situation(
    2, "", "3 pictures drawn by zoo (gen/0000.png, gen/0001.png, gen/0002.png)", "1 grid drawn by zoo (film.gif)"
)
def samples_of_our_own(folder: Path) -> None:
    from zoo.generate.pictures.animation import save_film
    from zoo.generate.pictures.folder import PictureFolder

    put(folder / "a.png")
    put(folder / "b.png")
    pixels = [np.asarray(noise(seed)) for seed in range(3)]
    with PictureFolder(folder / "gen") as written:
        written.write((f"{number:04d}", picture) for number, picture in enumerate(pixels))
    save_film(map(noise, range(3)), folder / "film.gif", [100] * 3)


@situation(3)
def samples_of_our_own_alone(folder: Path) -> None:
    from zoo.generate.pictures.folder import PictureFolder

    with PictureFolder(folder) as written:
        written.write((f"{number:04d}", np.asarray(noise(number))) for number in range(3))


@situation(1, "", "1 link that leads nowhere (self.png)")
def a_link_to_itself(folder: Path) -> None:
    put(folder / "a.png")
    (folder / "self.png").symlink_to(folder / "self.png")


@situation(2)
def png_with_a_long_text(folder: Path) -> None:
    """As image generators write their recipe into it."""
    text = PngImagePlugin.PngInfo()
    text.add_text("workflow", "x" * 3_000_000, zip=True)
    put(folder / "a.png", pnginfo=text)
    put(folder / "b.png")


@situation(1, "", "not a picture", "1 of 2 images cannot be read")
def a_program_that_calls_itself_a_picture(folder: Path) -> None:
    put(folder / "a.png")
    (folder / "b.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\nshowpage\n")


@situation(3, needs="pillow_heif")
def heic_and_avif(folder: Path) -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
    put(folder / "a.heic", format="HEIF")
    put(folder / "b.avif")
    put(folder / "c.png")


@situation(2, needs="pillow_jxl")
def jpeg_xl(folder: Path) -> None:
    import pillow_jxl  # noqa: F401

    put(folder / "a.jxl", format="JXL")
    put(folder / "c.png")


# ---- classes


@situation(6, "cat dog", "2 classes, by folder: cat 3, dog 3")
def a_folder_for_each_class(folder: Path) -> None:
    classes(folder, "cat", "dog")


@situation(9, "2 9 10", "2 3, 9 3, 10 3")
def classes_that_are_numbers(folder: Path) -> None:
    classes(folder, "10", "2", "9")


@situation(6, "cat dog", "splits train 6, val 4: train is used")
def splits(folder: Path) -> None:
    classes(folder / "train", "cat", "dog")
    classes(folder / "val", "cat", "dog", each=2)


@situation(4, "cat dog", "val is used", split="val")
def another_split(folder: Path) -> None:
    splits(folder)


@situation(10, "cat dog", "all are used", split="all")
def all_splits(folder: Path) -> None:
    splits(folder)


@situation(6, "cat dog", "splits train 6, val 4", "1 picture beside the folders of the splits (preview.png)")
def a_stray_beside_the_splits(folder: Path) -> None:
    splits(folder)
    put(folder / "preview.png")


@situation(6, "cat dog", "2 pictures beside the folders of the splits (unlabeled/a.png, unlabeled/b.png)")
def a_folder_beside_the_splits(folder: Path) -> None:
    splits(folder)
    put(folder / "unlabeled/a.png")
    put(folder / "unlabeled/b.png")


@situation(6, "cat dog", "splits train 6, val 4")
def splits_within_the_classes(folder: Path) -> None:
    for name in ("cat", "dog"):
        classes(folder / name, "train")
        classes(folder / name, "val", each=2)


@situation(3, split="train")
def one_split_alone_that_is_asked_for(folder: Path) -> None:
    for number in range(3):
        put(folder / f"train/{number}.png")
    put(folder / "preview.png")


@situation(9, "2019 2020")
def classes_that_are_years(folder: Path) -> None:
    for number in range(9):
        put(folder / ("2019" if number < 4 else "2020") / f"IMG_{number}.png")


@situation(5, "", "the folders 00000 to 00001 are shards")
def shards_with_a_stray(folder: Path) -> None:
    shards(folder)
    put(folder / "cover.png")


@situation(4, "", "the folders 00000 to 00001 are shards")
def shards(folder: Path) -> None:
    for number in range(4):
        put(folder / f"{number // 2:05d}/img{number:08d}.png")


@situation(6, "00000 00001", "by folder")
def numbered_classes_whose_files_share_names(folder: Path) -> None:
    """As the traffic signs of GTSRB have them."""
    for name in ("00000", "00001"):
        for number in range(3):
            put(folder / name / f"{number:05d}.png")


@situation(6, "cat dog", "1 picture beside the folders of the classes (cover.png)")
def a_stray_beside_the_classes(folder: Path) -> None:
    classes(folder, "cat", "dog")
    put(folder / "cover.png")


@situation(6, "cat dog", "no picture of bird can be read: left out as a class")
def a_class_without_a_readable_picture(folder: Path) -> None:
    classes(folder, "cat", "dog")
    (folder / "bird").mkdir()
    (folder / "bird/a.png").write_bytes(b"x")


@situation(3, "", "one folder alone, cat, makes no classes")
def one_class_alone(folder: Path) -> None:
    classes(folder, "cat")


@situation(4, "a b", "2 classes, by dataset.json: a 2, b 2")
def dataset_json(folder: Path) -> None:
    names = [put(folder / f"00000/img{number:08d}.png").relative_to(folder).as_posix() for number in range(4)]
    (folder / "dataset.json").write_text(json.dumps({"labels": [[name, "ab"[i % 2]] for i, name in enumerate(names)]}))


@situation(4, "", "shards")
def dataset_json_without_labels(folder: Path) -> None:
    shards(folder)
    (folder / "dataset.json").write_text('{"labels": null}')


def _four(folder: Path) -> None:
    for name in "abcd":
        put(folder / f"{name}.png", noise(ord(name)))


@situation(4, "cat dog", "by labels.csv: cat 2, dog 2")
def labels_csv(folder: Path) -> None:
    _four(folder)
    (folder / "labels.csv").write_text("label,file\ncat,a.png\ndog,b.png\ncat,c.png\ndog,d.png\n", encoding="utf-8-sig")


@situation(
    3, "cat dog", "by labels.tsv", "1 picture that the labels do not name (d.png)", "names 1 file that is not there"
)
def labels_tsv_without_a_header(folder: Path) -> None:
    _four(folder)
    (folder / "labels.tsv").write_text("a\tcat\nb\tdog\nc\tcat\nz\tdog\n")


@situation(4, "cat dog", "by labels.jsonl")
def labels_jsonl(folder: Path) -> None:
    _four(folder)
    rows = [
        {"file_name": f"{name}.png", "label": label} for name, label in zip("abcd", ("cat", "dog") * 2, strict=True)
    ]
    (folder / "labels.jsonl").write_text("\n".join(map(json.dumps, rows)))


@situation(4, "0 1", "by labels.npy: 0 2, 1 2")
def labels_npy(folder: Path) -> None:
    _four(folder)
    np.save(folder / "labels.npy", np.array([0, 1, 0, 1]))


@situation(4, "", "several labels for a picture", "keep one label for each")
def several_labels(folder: Path) -> None:
    _four(folder)
    (folder / "labels.csv").write_text("file,label,class\n" + "".join(f"{name}.png,1,2\n" for name in "abcd"))


@situation(4, "cat dog", "by train/labels.npy")
def labels_npy_of_a_split(folder: Path) -> None:
    for split in ("train", "val"):
        _four(folder / split)
        np.save(folder / split / "labels.npy", np.array(["cat", "dog", "cat", "dog"]))


@situation(4, "", "has 3 columns and no line of their names")
def metadata_of_something_else(folder: Path) -> None:
    _four(folder)
    (folder / "metadata.csv").write_text("taken,by,whom\n1,2,3\n")


@situation(3, "cat dog", "1 picture that the labels do not name (d.png)")
def a_label_that_is_empty(folder: Path) -> None:
    _four(folder)
    (folder / "labels.csv").write_text("file,label\na.png,cat\nb.png,dog\nc.png,cat\nd.png,\n")


@situation(4, "cat dog", "by train/metadata.csv")
def metadata_of_hugging_face(folder: Path) -> None:
    _four(folder / "train")
    _four(folder / "test")
    text = "file_name,label\n" + "".join(f"{name}.png,{'cat' if name < 'c' else 'dog'}\n" for name in "abcd")
    (folder / "train/metadata.csv").write_text(text)


# ---- archives and containers


def _zipped(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder.parent))
    return target


@situation(
    6, "cat dog", "2 classes, by folder: cat 3, dog 3", "1 folder of another program (__MACOSX)", "1 archive within"
)
def zip_archive(folder: Path) -> Path:
    classes(folder / "pets", "cat", "dog")
    archive = _zipped(folder / "pets", folder / "pets.zip")
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr("__MACOSX/pets/cat/._0.png", b"x")
        more.writestr("pets/more.zip", b"x")
    return archive


@situation(4, "a b", "2 classes, by dataset.json")
def zip_of_stylegan(folder: Path) -> Path:
    archive = folder / "stylegan.zip"
    with zipfile.ZipFile(archive, "w") as file:
        names = [f"00000/img{number:08d}.png" for number in range(4)]
        for number, name in enumerate(names):
            file.writestr(name, png(number))
        file.writestr("dataset.json", json.dumps({"labels": [[name, "ab"[i % 2]] for i, name in enumerate(names)]}))
    return archive


@situation(6, "cat dog", "2 classes, by folder")
def tar_archive(folder: Path) -> Path:
    classes(folder / "pets", "cat", "dog")
    with tarfile.open(folder / "pets.tar", "w") as archive:
        archive.add(folder / "pets", "pets")
    return folder / "pets.tar"


@situation(6, "cat dog", "2 classes, by folder")
def packed_tar_archive(folder: Path) -> Path:
    classes(folder / "pets", "cat", "dog")
    with tarfile.open(folder / "pets.tar.gz", "w:gz") as archive:
        archive.add(folder / "pets", "pets")
    return folder / "pets.tar.gz"


def tar_of(path: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """A tar archive of files with these names and contents."""
    with tarfile.open(path, "w") as archive:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def pictures(start: int = 0, count: int = 3) -> list[tuple[str, bytes]]:
    """The files of a WebDataset without labels."""
    return [(f"{number:06d}.png", png(number)) for number in range(start, start + count)]


def webdataset(path: Path, start: int, count: int = 3) -> None:
    """One shard."""
    labels = [(f"{number:06d}.cls", str(number % 2).encode()) for number in range(start, start + count)]
    tar_of(path, sorted([*pictures(start, count), *labels]))


@situation(6, "0 1", "splits", "2 classes, by the .cls and .json files beside the pictures: 0 3, 1 3")
def webdataset_shards(folder: Path) -> None:
    for shard in range(2):
        webdataset(folder / f"train-{shard:03d}.tar", 3 * shard)
    webdataset(folder / "val-000.tar", 6)


@situation(6, "", "splits train 6, val 3")
def shards_without_labels(folder: Path) -> None:
    for shard, name in enumerate(("train-000", "train-001", "val-000")):
        tar_of(folder / f"{name}.tar", pictures(9 * shard))


@situation(6)
def one_split_of_shards_without_labels(folder: Path) -> str:
    shards_without_labels(folder)
    return str(folder / "train-*.tar")


@situation(6)
def shards_of_one_name_in_several_folders(folder: Path) -> str:
    for place in "ab":
        (folder / place).mkdir()
        tar_of(folder / place / "images.tar", pictures())
    return str(folder / "*/images.tar")


@situation(3, "", "2.json gives 2 several labels")
def webdataset_with_several_labels(folder: Path) -> Path:
    each = [[(f"{number}.png", png(number)), (f"{number}.json", b'{"label": [0, 1]}')] for number in range(3)]
    tar_of(folder / "webdataset.tar", chain.from_iterable(each))
    return folder / "webdataset.tar"


@situation(6, "cat dog", "1 archive within (backup.zip)")
def an_archive_beside_the_classes(folder: Path) -> None:
    classes(folder, "cat", "dog")
    with zipfile.ZipFile(folder / "backup.zip", "w") as archive:
        archive.writestr("a.png", png())


@situation(2)
def a_zip_packed_with_lzma(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.png", png(1))
        archive.writestr("b.png", png(2))
    return folder / "a.zip"


@situation(6, "0 1")
def webdataset_by_a_pattern(folder: Path) -> str:
    webdataset_shards(folder)
    return str(folder / "train-{000..001}.tar")


def _parquet(path: Path, names: list[str] | None) -> None:
    import pyarrow
    import pyarrow.parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    images = pyarrow.array([{"bytes": png(number), "path": f"{number}.png"} for number in range(6)])
    table = pyarrow.table({"image": images, "label": pyarrow.array([number % 3 for number in range(6)])})
    if names:
        features = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pyarrow.parquet.write_table(table, path)


@situation(6, "cat dog bird", "3 classes, by the column label", needs="pyarrow")
def parquet_of_hugging_face(folder: Path) -> None:
    for split in ("train", "test"):
        _parquet(folder / f"data/{split}-00000-of-00001.parquet", ["cat", "dog", "bird"])


@situation(6, "0 1 2", needs="pyarrow")
def parquet_file(folder: Path) -> Path:
    _parquet(folder / "images.parquet", None)
    return folder / "images.parquet"


@situation(6, "False True", needs="pyarrow")
def parquet_with_labels_of_another_type(folder: Path) -> Path:
    import pyarrow
    import pyarrow.parquet

    images = pyarrow.array([png(number) for number in range(6)])
    table = pyarrow.table({"image": images, "label": pyarrow.array([number % 2 == 0 for number in range(6)])})
    pyarrow.parquet.write_table(table, folder / "a.parquet")
    return folder / "a.parquet"


@situation(3, "", "1 other file (length)", needs="lmdb")
def lmdb_database(folder: Path) -> Path:
    import lmdb

    with lmdb.open(str(folder / "db"), map_size=1 << 22) as database, database.begin(write=True) as transaction:
        for number in range(3):
            transaction.put(f"{number:08d}".encode(), png(number))
        transaction.put(b"length", b"3")
    return folder / "db"


@situation(1)
def a_pattern_of_folders(folder: Path) -> str:
    for name in ("x/cat/a.png", "x/bobcat/b.png", "cat.png"):
        put(folder / name)
    return str(folder / "**/cat/*.png")


@situation(2)
def a_pattern(folder: Path) -> str:
    for name in ("a.png", "b.png", "c.jpg", "deeper/d.png"):
        put(folder / name)
    return str(folder / "*.png")


@situation(6, "0 1 2", needs="h5py")
def hdf5_file(folder: Path) -> Path:
    import h5py

    with h5py.File(folder / "images.h5", "w") as file:
        file["train/images"] = np.random.default_rng(0).integers(0, 256, (6, 20, 20, 3), np.uint8)
        file["train/labels"] = np.arange(6) % 3
        file["license"] = "none"
    return folder / "images.h5"


# ---- values


@situation(2, "", "all values lie between", "--levels auto")
def twelve_bits_in_sixteen(folder: Path) -> None:
    for seed in range(2):
        values = np.random.default_rng(seed).integers(0, 4096, (20, 20)).astype(np.uint16)
        put(folder / f"{seed}.png", Image.fromarray(values))


@situation(2, levels="-1000,3000")
def hounsfield_units(folder: Path) -> Path:
    np.save(folder / "ct.npy", np.random.default_rng(0).integers(-1000, 3000, (2, 20, 20)).astype(np.int16))
    return folder / "ct.npy"


@situation(3, "", "1 of 3 images is of one colour")
def a_picture_of_one_colour(folder: Path) -> None:
    put(folder / "a.png")
    put(folder / "b.png")
    put(folder / "c.png", Image.new("RGB", (20, 20), GREEN))


def icons(folder: Path, count: int = 2) -> None:
    """Drawn in white on transparency."""
    for number in range(count):
        picture = Image.new("RGBA", (16, 16), (255, 255, 255, 0))
        picture.paste((255, 255, 255, 255), (2, 2, 8 + number, 9))
        put(folder / f"{number}.png", picture)


@situation(2, "", "2 of 2 images are of one colour, 2 of them white", "--background black")
def white_on_transparency(folder: Path) -> None:
    icons(folder)


@situation(2, background="black")
def white_on_transparency_over_black(folder: Path) -> None:
    icons(folder)


def lay_out(folder: Path) -> None:
    """Write all of it, and a table of what to expect."""
    rows = ["| --data | images | classes | says |", "|---|---|---|---|"]
    for name, each in SITUATIONS.items():
        place = folder / name
        place.mkdir(parents=True)
        try:
            location = each.build(place) or place
        except ImportError as error:
            rows.append(f"| {name} | needs {error.name} | | |")
            continue
        typed = " ".join([os.path.relpath(str(location), folder), *(f"--{key} {value}" for key, value in each.options)])
        rows.append(f"| {typed} | {each.images} | {' '.join(each.classes)} | {'; '.join(each.says)} |")
    (folder / "README.md").write_text("\n".join(rows) + "\n", "utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    lay_out(Path(sys.argv[1]))
