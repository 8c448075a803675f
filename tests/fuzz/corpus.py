"""The files that are damaged, of each reader some, and how each is read."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import warnings
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cifar_files import write_binary, write_pickles
from data_files import idx_bytes
from PIL import Image
from support import reseal
from zoo_of_files import SITUATIONS, noise, png

import zoo
from zoo.cli.completing.runs import runs as offered
from zoo.data import DataSpec, open_source, prepare
from zoo.data.cache import digest
from zoo.data.known.hub_files import choose_files
from zoo.data.prepared import prepared_stores
from zoo.data.reading import Reading
from zoo.engine.origin import Origin
from zoo.errors import DataError, ZooError
from zoo.options.config_file import read_config
from zoo.options.resolve import resolve
from zoo.plots.curves import draw_curves
from zoo.plugins.load import load
from zoo.plugins.registry import architecture_of, registry
from zoo.report.write import make_report
from zoo.run.checkpoint import read_state
from zoo.run.journal import read_metrics, truncate
from zoo.run.listing import runs_below
from zoo.run.run import Run
from zoo.run.scores import Score, Scores, write_scores
from zoo.run.verification import verify_files
from zoo.system.digest import digest_of, digest_state
from zoo.testing.subject import cache_in

SIDE = 8

PICTURES = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "JPEG2000", "TGA", "PCX", "PPM", "ICO", "AVIF")


@dataclass(frozen=True)
class Kind:
    """A reader, and what it is given."""

    name: str
    place: Path
    """The folder that is read, whole: each try gets a copy."""
    victims: tuple[str, ...]
    """The files in it of which one is damaged."""
    read: Callable[[Path], object]
    """Reads a copy; returns data, or raises one ZooError."""


def corpus(folder: Path) -> list[Kind]:
    """Lay all of it out in an empty folder."""
    kinds: list[Kind] = []
    for name, make, victims in _data():
        place = folder / name
        place.mkdir(parents=True)
        try:
            location = make(place)
        except (ImportError, OSError):  # of a library, or an encoder, that is not here
            shutil.rmtree(place)
            continue
        if location is False:
            shutil.rmtree(place)
            continue
        given = Path(str(location or place)).relative_to(place)
        files = sorted(path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())
        kinds.append(Kind(name, place, tuple(victims or files), _data_reader(str(given))))
    return kinds + _runs(folder) + _others(folder)


# ---- data


def _data() -> list[tuple[str, Callable[[Path], object], tuple[str, ...]]]:
    found: list[tuple[str, Callable[[Path], object], tuple[str, ...]]] = [
        ("idx", _idx, ()),
        ("idx-gzip", lambda place: _idx(place, packed=True), ()),
        ("cifar-binary", lambda place: write_binary(place / "c"), ()),
        ("cifar-pickle-2", lambda place: write_pickles(place / "c", "python2"), ("c/data_batch_1", "c/batches.meta")),
        ("cifar-pickle-0", lambda place: write_pickles(place / "c", "0"), ("c/data_batch_1", "c/batches.meta")),
        ("cifar-pickle-5", lambda place: write_pickles(place / "c", "5"), ("c/data_batch_1", "c/batches.meta")),
        ("npy", _npy, ()),
        ("npz", _npz, ()),
    ]
    wanted = [
        "zip-archive", "zip-of-stylegan", "tar-archive", "packed-tar-archive", "webdataset-shards", "parquet-file",
        "parquet-of-hugging-face", "hdf5-file", "webdataset-with-several-labels", "a-zip-packed-with-lzma",
    ]  # fmt: skip
    found += [(name, SITUATIONS[name].build, ()) for name in wanted]
    labels = {
        "dataset-json": ("dataset.json",), "labels-csv": ("labels.csv",), "labels-tsv-without-a-header": ("labels.tsv",),
        "labels-jsonl": ("labels.jsonl",), "labels-npy": ("labels.npy",), "metadata-of-hugging-face": ("train/metadata.csv",),
    }  # fmt: skip
    found += [(name, SITUATIONS[name].build, victims) for name, victims in labels.items()]
    found += [
        (f"picture-{kind.lower()}", lambda place, kind=kind: _picture(place, kind), ("a.png",)) for kind in PICTURES
    ]
    return found


def _data_reader(given: str) -> Callable[[Path], object]:
    def read(place: Path) -> object:
        source = open_source(str(place / given) if given != "." else str(place))
        store = prepare(source, DataSpec(source.channels, SIDE, SIDE), cache=place.parent / "cache", workers=1)
        return len(store)

    return read


def _idx(place: Path, packed: bool = False) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 6, 6), np.uint8)
    suffix, pack = (".gz", gzip.compress) if packed else ("", bytes)
    (place / f"a-images-idx3-ubyte{suffix}").write_bytes(pack(idx_bytes(images)))
    (place / f"a-labels-idx1-ubyte{suffix}").write_bytes(pack(idx_bytes(np.arange(5, dtype=np.uint8))))


def _npy(place: Path) -> Path:
    np.save(place / "a.npy", np.random.default_rng(0).random((4, 6, 6, 3), np.float32))
    np.save(place / "a-labels.npy", np.array(["cat", "dog", "cat", "dog"]))
    return place / "a.npy"


def _npz(place: Path) -> Path:
    images = np.random.default_rng(0).integers(0, 256, (4, 6, 6), np.uint8)
    np.savez_compressed(
        place / "a.npz", images=images, labels=np.array([0, 1, 0, 1]), class_names=np.array(["cat", "dog"])
    )
    return place / "a.npz"


def _picture(place: Path, kind: str) -> object:
    Image.init()
    if kind not in Image.SAVE:
        return False
    file = io.BytesIO()
    more = {"save_all": True, "append_images": [noise(2, (16, 16))]} if kind in ("GIF", "WEBP") else {}
    noise(1, (16, 16)).save(file, kind, **more)
    (place / "a.png").write_bytes(file.getvalue())
    (place / "b.png").write_bytes(png(3))
    return None


# ---- runs


def _runs(folder: Path) -> list[Kind]:
    place = folder / "run"
    data = folder / "images.npz"
    np.savez(data, images=np.random.default_rng(0).integers(0, 256, (16, 8, 8), np.uint8), labels=np.arange(16) % 2)
    options = dict(latent=2, batch_size=4, steps=6, samples=4, log_every=1, checkpoint_every=6, device="cpu")
    run = zoo.train("vanilla", data=str(data), out=place / "run", plugin_callbacks=False, **options)
    with suppress(ZooError):  # what it draws with looks for its fonts once
        draw_curves(run)
    _with_all_that_a_report_shows(run)
    checkpoint = f"run/checkpoints/{run.latest()[1].name}"
    weights = tuple(f"{checkpoint}/{name}.safetensors" for name in ("generator", "state"))
    files = (*weights, f"{checkpoint}/state.json", "run/config.json")
    return [
        Kind("run", place, files, lambda place: load(_sealed(place, checkpoint) / "run")(1).shape),
        Kind("config", place, ("run/config.json",), _config),
        Kind(
            "state",
            place,
            (f"{checkpoint}/state.json", weights[1]),
            lambda place: read_state(_sealed(place, checkpoint) / checkpoint).step,
        ),
        Kind("metrics", place, ("run/metrics.jsonl",), _metrics),
        Kind("resume", place, ("run/config.json", f"{checkpoint}/state.json"), _resume),
        Kind("verify", place, (*files, "run/metrics.jsonl"), lambda place: list(verify_files(Run(place / "run")))),
        Kind("from", place, files, lambda place: _begin_with(_sealed(place, checkpoint) / "run")),
        Kind("report", place, (*_REPORTED, "run/config.json", weights[0]), _report),
        Kind("runs", place, ("run/config.json", "run/metrics.jsonl"), lambda place: list(runs_below(place))),
    ]


_REPORTED = ("run/metrics.jsonl", "run/scores.jsonl", "run/samples/step-00000006.png", "run/copies.png")


def _with_all_that_a_report_shows(run: Run) -> None:
    journal = run.path / "metrics.jsonl"
    event = {"step": 3, "event": "collapsed", "message": "alike", "values": {"variety": 0.1}}
    journal.write_text(f"{journal.read_text()}{json.dumps(event)}\n")
    made = {"extractor": "digits", "samples": 500, "real": 5000}
    for step in (3, 6):
        write_scores(run.path, Scores(step, {"frechet": {"distance": Score(60.0 / step, 9.0, 21.0, 1.0)}}, made))
    Image.new("L", (40, 20), 99).save(run.path / "copies.png")


def _report(place: Path) -> object:
    page = make_report([place / "run"])
    assert page.count("<script") == page.count("<style") == 1
    return page


def _sealed(place: Path, checkpoint: str) -> Path:
    """The place. Of two tries out of three digests are written anew, so that what is damaged is found out without them."""
    state = place / checkpoint / "state.json"
    content = state.read_bytes()
    choice = zlib.crc32(b"".join(file.read_bytes() for file in sorted(state.parent.iterdir()))) % 3
    if choice == 0:
        with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
            reseal(state.parent)
            return place
    if choice < 2 and digest_state(content) == "broken":
        head = len(b'{"sha256": "') + 64 + len(b'",')
        state.write_bytes(b'{"sha256": "%s",' % digest_of(content[head:]).encode() + content[head:])
    return place


def _begin_with(run: Path) -> object:
    return Origin.read(run).inherited(registry().architecture("vanilla"))


def _config(place: Path) -> object:
    offered(f"{place}/")
    run = Run(place / "run")
    with suppress(ZooError):
        run.options(architecture_of(run))
    for look in (lambda: run.geometry(), lambda: run.changes, lambda: run.fingerprint, run._repr_html_):
        with suppress(ZooError):
            look()
    return run


def _metrics(place: Path) -> object:
    path = place / "run/metrics.jsonl"
    lines = read_metrics(path)
    run = Run(place / "run")
    run._repr_html_()
    with suppress(ZooError):
        if path.stat().st_size % 8 == 0:  # it takes its time
            draw_curves(run)
    truncate(path, 4)
    return lines


def _resume(place: Path) -> object:
    """All that is decided before a step is taken: the run is finished, whatever else is damaged."""
    from zoo.engine.plan import plan_resume

    run = Run(place / "run")
    run.latest()
    return plan_resume(run)


# ---- what else is read


def _others(folder: Path) -> list[Kind]:
    options = folder / "options"
    options.mkdir()
    (options / "a.toml").write_text(
        'preset = "dense"\nbatch-size = 64\nsteps = 10\nlatent = 8\nlearning-rate = 2e-4\naugment = ["flip"]\nsamples = 4\n'
        'data = "digits"\nsize = "64x48"\n'
    )
    (options / "a.json").write_text(json.dumps({"batch_size": 64, "steps": 10, "watch": ["tensorboard"], "seed": 3}))
    store = folder / "store"
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 8), np.uint8)
    source_file = folder / "source.npz"
    np.savez(source_file, images=images, labels=np.arange(6) % 2)
    kept = prepare(open_source(str(source_file)), DataSpec(1, SIDE, SIDE), cache=store / "cache")
    name = kept.directory.relative_to(store).as_posix()
    files = tuple(f"{name}/{each}" for each in ("meta.json", "images.u8", "labels.i64"))
    layout = folder / "layout"
    layout.mkdir()
    (layout / "names.txt").write_text("\n".join(_NAMES))
    hub = folder / "hub"
    hub.mkdir()
    (hub / "names.json").write_text(json.dumps(_OF_THE_HUB))
    return [
        Kind("options", options, ("a.toml", "a.json"), _options),
        Kind("store", store, files, lambda place: _store(place, source_file)),
        Kind("layout", layout, ("names.txt",), _layout),
        Kind("hub-files", hub, ("names.json",), _hub_files),
        _notes(folder / "notes"),
    ]


_NAMES = (
    "set/train/cat/1.png", "set/train/cat/2.png", "set/train/dog/3.png", "set/val/cat/4.png", "set/val/dog/5.png",
    "set/train/00000/6.png", "set/train/00001/7.png", "set/labels.csv", "__MACOSX/._8.png", ".hidden/9.png", "10", "a.heic",
)  # fmt: skip


def _layout(place: Path) -> object:
    """Pictures of these names, in an archive, so that a name may be any."""
    names = (place / "names.txt").read_bytes().decode("utf-8", "replace").splitlines()[:100]
    with zipfile.ZipFile(place / "a.zip", "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, name in enumerate(names):
            table = b"file,label\ntrain/cat/1.png,a\ntrain/dog/3.png,b\n"
            name = name.partition("\0")[0][:9000] or "0"  # as zipfile can write it
            archive.writestr(name, table if name.endswith(".csv") else png(number % 5))
    for split in (None, "all", "val"):
        with suppress(ZooError):
            open_source(str(place / "a.zip"), (), Reading(split=split))
    return len(open_source(str(place / "a.zip")))


_OF_THE_HUB = {
    "paths": ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet", "data/test-00000-of-00001.parquet",
              "README.md", "en/train/0000.parquet", "images/cat/1.png", "a.zip"],
    "configs": [{"config_name": "en", "data_files": [{"split": "train", "path": "en/*"}, {"split": "test", "path": ["data/*"]}]}],
    "config": "en", "split": "train",
}  # fmt: skip


def _hub_files(place: Path) -> object:
    """What a page of the Hub may say, which is read from JSON and YAML by its library: the types are as in these."""
    try:
        said = json.loads((place / "names.json").read_bytes())
        paths, configs = [str(path) for path in said["paths"]], said["configs"]
        configs = configs if isinstance(configs, list) else []
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    for config, split in ((None, None), ("en", "train"), (None, "test")):
        with suppress(DataError):
            choose_files(paths, config, split, configs)
    return choose_files(paths, None, None, configs)


def _notes(folder: Path) -> Kind:
    """What the cache remembers of a folder of pictures: hashes, sizes, kinds."""
    (folder / "pictures").mkdir(parents=True)
    for number in range(3):
        (folder / f"pictures/{number}.png").write_bytes(png(number))
        os.utime(folder / f"pictures/{number}.png", (1e9, 1e9))
    with cache_in(folder / "cache"):
        open_source(str(folder / "pictures")).fingerprint()
    (note,) = (folder / "cache/known").iterdir()
    note.rename(folder / "note.json")

    def read(place: Path) -> object:
        known = place / f"cache/known/pictures-{digest(str((place / 'pictures').resolve()))}.json"
        known.write_bytes((place / "note.json").read_bytes())
        with cache_in(place / "cache"):
            source = open_source(str(place / "pictures"))
            return len(prepare(source, DataSpec(source.channels, SIDE, SIDE), workers=1))

    return Kind("notes", folder, ("note.json",), read)


def _options(place: Path) -> object:
    architecture = registry().architecture("vanilla")
    for name in ("a.toml", "a.json"):
        read_config(place / name, architecture)
        resolve(architecture, config=place / name)
    return None


def _store(place: Path, source: Path) -> object:
    prepared_stores(place / "cache")
    return len(prepare(open_source(str(source)), DataSpec(1, SIDE, SIDE), cache=place / "cache"))
