"""Files that ask for memory or time without end: refused by what their headers say, in a process that has little of both."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import struct
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from cifar_files import write_pickles
from messages import assert_says, saying
from support import tiny
from zoo_of_files import noise, png

import zoo
from zoo.data import open_source
from zoo.data.parallel import in_order
from zoo.engine.origin import Origin
from zoo.errors import DataError, OptionError, RunError
from zoo.options.config_file import read_config
from zoo.plugins.registry import registry
from zoo.run.journal import read_metrics, truncate
from zoo.run.lines import chunks, kinds
from zoo.system.allocation import bounded
from zoo.system.parsing import parse_json, parse_toml

ROOM = 600 << 20
"""Bytes beside the program itself."""

PROGRAM = """
import resource, sys
from pathlib import Path
from zoo.data import DataSpec, open_source, prepare
from zoo.errors import ZooError
import zoo.data.pictures.parquet
for name in ("pyarrow.parquet",):
    try:
        __import__(name)
    except ImportError:
        pass
import zoo.data.formats.arrays, zoo.data.formats.cifar, zoo.data.pictures.source, zoo.data.pictures.tar_archive
statm = Path("/proc/self/statm")
if statm.exists():
    limit = int(statm.read_text().split()[0]) * resource.getpagesize() + int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
try:
    source = open_source(sys.argv[2])
    print(len(prepare(source, DataSpec(source.channels, 8, 8), workers=1)))
except ZooError as error:
    print("refused:", error)
"""


def told(path: Path, room: int = ROOM) -> str:
    """What comes of data in a process with so much room."""
    pytest.importorskip("resource")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(room), str(path)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def zeros(path: Path, shape: tuple[int, ...]) -> Path:
    """A .npz of that shape in which all is zero: a thousandth of its size."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, dict(descr="|u1", fortran_order=False, shape=shape))
    left = int(np.prod(shape, dtype=np.int64))
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("images.npy", "w") as file,
    ):
        file.write(header.getvalue())
        while left:
            left -= file.write(bytes(min(left, 1 << 20)))
    return path


def test_one_image_that_is_too_large_is_refused_by_its_header(tmp_path):
    path = zeros(tmp_path / "a.npz", (1, 8200, 8200))
    assert path.stat().st_size < 1 << 20
    assert_says(told(path, room=300 << 20), "refused:", "8200×8200", "at most 67,108,864 values")


def test_large_items_are_few_in_memory_at_once():
    drawn = done = 0
    ahead = []

    def items():
        nonlocal drawn
        for _ in range(12):
            drawn += 1
            ahead.append(drawn - done)
            yield (0, np.empty(100 << 20, np.uint8))

    for _ in in_order(lambda item: None, items(), workers=8):
        done += 1
    assert done == 12
    assert max(ahead) <= 3, "of 16 that eight threads would be given of small ones"


def test_an_idx_file_of_enormous_images_is_refused_by_its_header(tmp_path):
    path = tmp_path / "a-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(struct.pack(">BBBBIII", 0, 0, 8, 3, 4, 32768, 32768)))
    assert_says(told(path), "refused:", "32768×32768", "values of an image are read")


@pytest.mark.parametrize(
    "pickle",
    [
        b"\x80\x02Nr\xff\xff\xff\x3f.",  # remembers as number 2^30: pickle makes room for all before
        b"\x80\x04\x8e" + (1 << 40).to_bytes(8, "little") + b".",
        b"\x80\x02\x8b\xff\xff\xff\x7f" + b"\1" * 20 + b".",
        b"\x80\x02}" + b")" + b"2\x86" * 100 + b"K\1s.",  # a key: a pair of a pair of itself, a hundred deep
        b"\x80\x02}" + b"U\1a" + b")" + b"2\x86" * 100 + b"s.",  # and as a value
        b"(" * 100_000 + b".",
    ],
    ids=["memo", "bytes", "number", "key", "value", "marks"],
)
def test_a_pickle_takes_no_more_than_its_size(tmp_path, pickle):
    folder = write_pickles(tmp_path / "c", "2")
    (folder / "data_batch_1").write_bytes(pickle)
    assert_says(told(folder, room=200 << 20), "refused:", "data_batch_1")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
@pytest.mark.parametrize("packed", [False, True])
def test_notes_in_a_tar_archive_are_no_larger_than_notes_are(tmp_path, kind, packed):
    info = tarfile.TarInfo("notes")
    info.type, info.size = kind, 8 << 30
    path = tmp_path / f"a.tar{'.gz' if packed else ''}"
    content = info.tobuf(tarfile.GNU_FORMAT) + bytes(4096)
    path.write_bytes(gzip.compress(content) if packed else content)
    assert_says(told(path), "refused:", "a.tar", "notes of 8,589,934,592 bytes")


def test_labels_npy_is_not_believed_about_its_size(tmp_path):
    noise().save(tmp_path / "a.png")
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, dict(descr="<i8", fortran_order=False, shape=(1 << 40,)))
    (tmp_path / "labels.npy").write_bytes(header.getvalue())
    with pytest.raises(DataError, match=saying("labels.npy", "not whole")):
        open_source(str(tmp_path))


def test_an_hdf5_file_reads_no_other_file_and_unpacks_no_enormous_part(tmp_path):
    h5py = pytest.importorskip("h5py")
    secret = tmp_path / "secret.bin"
    secret.write_bytes(bytes(range(256)) * 4)
    outside = tmp_path / "outside.h5"
    with h5py.File(outside, "w") as file:
        file.create_dataset("images", (4, 16, 16), np.uint8, external=[(str(secret), 0, 1024)])
    with pytest.raises(DataError, match=saying("outside.h5", "lies in other files")):
        open_source(str(outside))
    virtual = tmp_path / "virtual.h5"
    layout = h5py.VirtualLayout((4, 16, 16), np.uint8)
    layout[:] = h5py.VirtualSource(str(outside), "images", (4, 16, 16))
    with h5py.File(virtual, "w") as file:
        file.create_virtual_dataset("images", layout)
    with pytest.raises(DataError, match=saying("virtual.h5", "lies in other files")):
        open_source(str(virtual))
    large = tmp_path / "large.h5"
    with h5py.File(large, "w") as file:
        file.create_dataset("images", (1 << 20, 64, 64), np.uint8, chunks=(1 << 16, 64, 64), compression="gzip")
    with pytest.raises(DataError, match=saying("large.h5", "chunks of shape")):
        open_source(str(large))


@pytest.mark.parametrize("where", ["label", "path"])
def test_a_text_that_stands_in_a_parquet_file_once_is_not_unpacked_for_each_of_its_rows(tmp_path, where):
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rows = 20_000
    long = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * rows, pyarrow.int32()), pyarrow.array(["x" * 10**6]))
    short = pyarrow.array([str(row % 2) for row in range(rows)])
    label, path = (long, short) if where == "label" else (short, long)
    images = pyarrow.StructArray.from_arrays([pyarrow.array([png(1)] * rows), path], ["bytes", "path"])
    table = pyarrow.table({"image": images, "label": label})
    parquet.write_table(table, tmp_path / "a.parquet", compression="zstd", store_schema=False)
    assert (tmp_path / "a.parquet").stat().st_size < 1 << 20
    assert told(tmp_path / "a.parquet", room=2 << 30) == f"{rows}\n"


def test_label_files_of_a_tar_archive_are_kept_up_to_a_sum(tmp_path):
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for number in range(5):
            info = tarfile.TarInfo(f"{number}/labels.csv")
            info.size = 30 << 20
            archive.addfile(info, io.BytesIO(bytes(info.size)))
    assert_says(told(path), "refused:", "a.tar.gz", "label files of more than")


def test_a_line_without_end_is_a_damaged_one(tmp_path):
    path = tmp_path / "metrics.jsonl"
    line = b'{"step": 1, "d_loss": 1.0}\n'
    with path.open("wb") as file:
        file.write(line + b"[" * (20 << 20) + b"\n" + line.replace(b"1,", b"2,"))
    assert [metrics["step"] for metrics in read_metrics(path)] == [1, 2]
    assert [(metrics is None, count) for metrics, count in kinds(path)] == [(False, 1), (True, 1), (False, 1)]
    with path.open("rb") as file:
        assert max(map(len, chunks(file))) < 8 << 20
    assert_says(truncate(path, 1), "a line of", "cannot be read", "metrics.jsonl.damaged")
    assert path.read_bytes() == line


# ---- text


@pytest.mark.parametrize("depth", [65, 900, 100_000])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_json_is_no_deeper_than_anything_that_walks_through_it(depth, opening):
    closing = "]" if opening == "[" else "}"
    with pytest.raises(ValueError, match="within each other"):
        parse_json(opening * depth + "1" + closing * depth)
    assert parse_json(opening * 60 + "1" + closing * 60)


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 500 + "]" * 500, "a = " + "[" * 100_000, ".".join("a" * 5000) + " = 1", "#" * 300_000]
)
def test_toml_takes_bounded_time_and_depth(text):
    with pytest.raises(ValueError, match=r"within each other|dots|letters"):
        parse_toml(text)


@pytest.mark.parametrize("name", ["a.toml", "a.json"])
def test_options_that_are_nested_without_end_are_refused_in_a_line(tmp_path, name):
    value = "[" * 5000 + "]" * 5000
    (tmp_path / name).write_text(f"steps = {value}" if name == "a.toml" else f'{{"steps": {value}}}')
    with pytest.raises(OptionError) as refused:
        read_config(tmp_path / name, registry().architecture("vanilla"))
    assert_says(str(refused.value), name, "within each other")
    assert len(str(refused.value)) < 500


# ---- networks


@pytest.fixture(scope="module")
def run(images, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("run") / "run"
    return zoo.train("dcgan", data=str(images), out=out, **tiny("dcgan", steps=2)).path


@pytest.mark.parametrize(
    "change",
    [dict(latent=65_536, width=2048), dict(latent=65_536, width=1024)],
    ids=str,
)
def test_a_config_that_asks_for_more_than_the_checkpoint_has_is_refused_before_memory_is_touched(run, tmp_path, change):
    resource = pytest.importorskip("resource")
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    config = json.loads((copy / "config.json").read_text())
    config["options"].update(change)
    (copy / "config.json").write_text(json.dumps(config))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(RunError, match=saying("generator.safetensors", "config.json", "far larger")):
        zoo.load(copy)
    with pytest.raises(RunError, match=saying("generator.safetensors", "config.json", "far larger")):
        zoo.resume(copy, steps=4)
    with pytest.raises(RunError, match=saying("generator.safetensors", "config.json", "far larger")):
        Origin.read(copy)  # as zoo train --from does
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000, "kilobytes"


def test_a_bound_counts_what_is_new_and_nothing_twice():
    import torch

    with bounded(4000, "it"):
        weight = torch.empty(900)
        for _ in range(10):
            torch.nn.init.normal_(weight).view(30, 30).t()
    for make in (
        lambda: torch.empty(2000), lambda: torch.zeros((40, 50)), lambda: torch.full((2000,), 1.0), lambda: torch.eye(50),
        lambda: torch.arange(2000), lambda: torch.randn(2, 1000), lambda: torch.ones(10).repeat(200),
        lambda: torch.nn.Linear(100, 100), lambda: torch.ones(600) + torch.ones(600),
    ):  # fmt: skip
        with pytest.raises(RunError, match=r"it, which are more than 4\.0 KB"), bounded(4000, "it"):
            make()
