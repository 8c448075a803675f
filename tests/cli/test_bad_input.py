"""Bad input: exit code 2 and one message that says what was given, what fits and what to do; and no mess left behind."""

from __future__ import annotations

import errno
import gzip
import json
import os
import resource
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from messages import assert_says
from PIL import Image
from safetensors.numpy import load_file, save_file
from support import Outcome, assert_refused, flags, reseal, tiny, write_images

import zoo
from zoo.errors import ZooError
from zoo.testing.comparing import run_differences

SMALL = ["--width", 2, "--latent", 4, "--batch-size", 8, "--samples", 4, "--steps", 2]


@pytest.fixture
def refused(cli) -> Callable[..., None]:
    """``refused(["--data", "x"], "what", "it", "says")``: a training that is refused before anything is written."""

    def check(arguments: list[object], *parts: str) -> None:
        before = sorted(Path().rglob("*"))
        assert_refused(cli("train", "dcgan", *SMALL, *arguments, "--out", "run"), *parts)
        assert sorted(Path().rglob("*")) == before, "nothing is left behind"

    return check


@pytest.fixture
def run(images) -> Path:
    """A run of four steps with two checkpoints."""
    return zoo.train("dcgan", data=str(images), out="run", **tiny("dcgan", checkpoint_every=2)).path


# ---- data that is not there


def test_a_missing_folder(refused):
    refused(["--data", "./photos"], "--data './photos'", "does not exist", "what works: digits", "a folder of images")


def test_a_misspelt_folder_suggests_the_one_that_is_there(refused):
    Path("photos").mkdir()
    refused(["--data", "./potos"], "--data './potos'", "does not exist", "'photos'")


def test_a_misspelt_name_suggests_the_nearest(refused):
    refused(["--data", "digit"], "data 'digit'", "'digits'")


def test_an_empty_folder(refused):
    Path("photos").mkdir()
    refused(["--data", "photos"], "photos holds no pictures", ".png")


def test_a_folder_without_pictures(refused):
    Path("photos").mkdir()
    Path("photos/notes.txt").write_text("none yet")
    refused(["--data", "photos"], "photos holds no pictures")


def test_a_folder_without_one_picture_that_can_be_read(refused):
    Path("photos").mkdir()
    Path("photos/a.png").write_bytes(b"not a picture")
    refused(["--data", "photos"], "not one of its 1 pictures can be read", "a.png")


def test_an_empty_name(refused):
    refused(["--data", ""], "--data '' does not exist", "what works")


def test_a_file_that_is_no_data(refused):
    Path("notes.txt").write_text("hello")
    refused(["--data", "notes.txt"], "notes.txt", "what works")


# ---- IDX files


def idx(images: np.ndarray, shape: tuple[int, ...] | None = None, kind: int = 8) -> bytes:
    shape = shape or images.shape
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, kind, len(shape), *shape) + images.tobytes()


PICTURES = np.random.default_rng(0).integers(0, 256, (20, 8, 8), np.uint8)
WHOLE = idx(PICTURES)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ["too short"]),
        (WHOLE[:3], ["too short"]),
        (WHOLE[:9], ["ends inside its header"]),
        (WHOLE[:-1], ["20×8×8", "1,280 bytes", "1,279"]),
        (WHOLE + b"x", ["20×8×8", "1,280 bytes"]),
        (idx(PICTURES, (2**31, 8, 8)), ["2147483648×8×8"]),
        (idx(PICTURES, (20, 1, 64)), ["64×1 pixels"]),
        (idx(PICTURES, (1280, 1, 1)), ["1×1 pixels", "between 2 and"]),
        (idx(PICTURES[:0]), ["holds no images"]),
        (idx(PICTURES, kind=0x0D), ["0x0d", "unsigned bytes"]),
        (idx(PICTURES, (20, 64)), ["2 dimensions"]),
    ],
    ids=["empty", "magic", "header", "short", "long", "lying", "one row", "1×1", "none", "floats", "dimensions"],
)
def test_a_truncated_or_lying_idx_file(refused, pack, content, parts):
    path = Path("train-images-idx3-ubyte" + (".gz" if pack is gzip.compress else ""))
    path.write_bytes(pack(content))
    refused(["--data", path], path.name, *parts)


@pytest.mark.parametrize("keep", [30, 0.5, -8, -1])
def test_a_truncated_gzip_file(refused, keep):
    packed = gzip.compress(WHOLE)
    path = Path("train-images-idx3-ubyte.gz")
    path.write_bytes(packed[: int(len(packed) * keep) if isinstance(keep, float) else keep])
    refused(["--data", path], path.name, "again")


def test_a_label_count_that_differs(refused):
    Path("train-images-idx3-ubyte").write_bytes(WHOLE)
    Path("train-labels-idx1-ubyte").write_bytes(idx(np.zeros(19, np.uint8)))
    refused(["--data", "train-images-idx3-ubyte"], "holds 19 labels", "20 images", "must belong together")


def test_a_label_count_that_differs_in_arrays(refused):
    np.savez("a.npz", images=PICTURES, labels=np.zeros(19, np.int64))
    refused(["--data", "a.npz"], "(19,)", "20 images need labels of shape (20,)")


# ---- images that are too small


def test_a_1x1_image_in_an_array(refused):
    np.save("a.npy", np.zeros((20, 1, 1), np.uint8))
    refused(["--data", "a.npy"], "1×1 pixels", "between 2 and")


def test_a_folder_of_1x1_images(refused):
    Path("photos").mkdir()
    for index in range(20):
        Image.new("L", (1, 1)).save(f"photos/{index}.png")
    refused(["--data", "photos"], "1×1 pixels", "at least")


def test_a_1x1_image_among_others_is_counted_and_skipped_or_stops_with_strict(cli):
    Path("photos").mkdir()
    for index in range(20):
        Image.new("L", (8, 8), index).save(f"photos/{index}.png")
    Image.new("L", (1, 1)).save("photos/tiny.png")
    outcome = cli("train", "dcgan", *SMALL, "--data", "photos", "--out", "run")
    assert outcome.code == 0
    assert_says(outcome.out, "1 of 21 images", "skipped", "tiny.png (1×1 pixels")
    assert zoo.Run("run").config["data"]["skipped"] == 1
    strict = cli("train", "dcgan", *SMALL, "--data", "photos", "--strict", "--out", "strict")
    assert_refused(strict, "tiny.png", "1×1 pixels", "--strict")
    assert not Path("strict").exists()


# ---- options


def test_a_nan_option(refused, images):
    refused(["--data", images, "--learning-rate", "nan"], "--learning-rate", "nan", "finite number", "--help")


def test_a_batch_larger_than_the_data(refused, images):
    refused(["--data", images, "--batch-size", 25], "--batch-size 25", "24 images", "at most 24")


def test_a_batch_larger_than_the_data_is_refused_before_they_are_prepared(cli, monkeypatch):
    write_images(Path("fresh.npz"))
    monkeypatch.setenv("ZOO_CACHE", "cache")
    assert_refused(cli("train", "dcgan", "--data", "fresh.npz", "--batch-size", 25), "--batch-size 25", "at most 24")
    assert not Path("cache/prepared").exists()


def test_a_warmup_that_would_never_end_is_refused_where_it_was_asked_for(refused, cli, images):
    refused(["--data", images, "--warmup", 3], "--warmup 3", "2 steps")
    assert cli("train", "dcgan", *SMALL, "--data", images, "--warmup", 2, "--out", "run").code == 0


@pytest.mark.parametrize("flag", ["--augment", "--watch"])
def test_a_name_that_is_given_twice_is_refused(refused, images, flag):
    refused(["--data", images, flag, "cutout", "cutout"], f"{flag} names cutout twice")


@pytest.mark.parametrize("flag", ["--batch-size", "--generator-batch-size"])
def test_a_batch_too_small_for_batch_normalisation(cli, images, flag):
    options = {"--data": images, "--batch-size": 8, "--steps": 1, "--out": "run", flag: 1}
    words = [word for pair in options.items() for word in pair]
    outcome = cli("train", "vanilla", *words, "--no-evaluate-fakes")
    assert_refused(outcome, "batch", "1")
    assert not Path("run/checkpoints").exists() or zoo.Run("run").checkpoints == []


def test_a_last_batch_too_small_for_batch_normalisation(cli, images):
    options = ["--data", images, "--batch-size", 23, "--order", "shuffle", "--no-drop-remainder", "--no-evaluate-fakes"]
    outcome = cli("train", "vanilla", *options, "--steps", 1, "--out", "run")
    assert_refused(outcome, "last batch", "one image", "vanilla", "--drop-remainder", "--batch-size")
    assert not Path("run").exists()


def test_slices_have_no_remainder(cli, images):
    outcome = cli("train", "vanilla", "--data", images, "--order", "slice", "--no-drop-remainder", "--out", "run")
    assert_refused(outcome, "slice", "--drop-remainder", "another --order")


def test_an_unknown_preset(refused):
    refused(["--preset", "radford"], "preset of dcgan", "'radford'", "'radford64'", "zoo info dcgan")
    refused(["--preset", ""], "unknown preset of dcgan ''", "zoo info dcgan")


def test_of_two_mistakes_the_one_that_was_made(cli, images):
    given = ["--data", images, "--evaluate-fakes", "--reuse-fakes", "--out", "run"]
    assert_refused(cli("train", "vanilla", *given), "reuse_fakes excludes evaluate_fakes", "--no-evaluate-fakes")


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (["--joined"], ["simultaneous excludes joined", "--no-joined"]),
        (["--generator-batch-size", "7"], ["another number of fakes", "--generator-batch-size 16"]),
        (
            ["--joined", "--evaluate-fakes", "--generator-batch-size", "7"],
            ["joined", "evaluate_fakes", "--no-evaluate-fakes --no-joined --generator-batch-size 16"],
        ),
        (["--evaluate-fakes"], ["simultaneous excludes evaluate_fakes", "--no-evaluate-fakes", "--no-simultaneous"]),
    ],
)
def test_what_cannot_go_with_updates_at_once_tells_the_way_out(cli, images, other, told):
    given = ["--data", images, "--batch-size", "16", "--out", "run", "--simultaneous", *other]
    assert_refused(cli("train", "dcgan", *given), *told)


@pytest.mark.parametrize("size", [5, 300])
def test_a_size_that_the_networks_do_not_take(refused, images, size):
    refused(["--data", images, "--size", size], f"--size {size}", "dcgan", "8 to 256")


def test_a_device_that_is_not_here(refused, images):
    refused(["--data", images, "--device", "cuda:77"], "--device cuda:77", "devices here: ")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--n", 0], ["--n 0", "at least 1"]),
        (["--seed", -1], ["--seed -1", "0 to 2^63"]),
        (["--out", "x.bmp"], ["--out x.bmp", "NAME.png"]),
        (["--labels", "1"], ["dcgan draws without labels", "cgan"]),
        (["--all-classes"], ["dcgan draws without labels", "cgan"]),
        (["--labels", "1", "--all-classes"], ["--labels and --all-classes", "give one"]),
        (["--step", 3], ["step 3", "2, 4"]),
    ],
    ids=str,
)
def test_sample_options_that_do_not_fit(cli, run, arguments, parts):
    before = sorted(Path().rglob("*"))
    assert_refused(cli("sample", run, *arguments), *parts)
    assert sorted(Path().rglob("*")) == before


# ---- places that cannot be written


def test_an_output_place_that_is_not_empty(cli, run, images):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    outcome = cli("train", "dcgan", *SMALL, "--data", images, "--out", run)
    assert_refused(outcome, "run is not empty", "zoo resume run", "another --out")
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("out", ["file", "file/run"])
def test_an_output_place_that_is_a_file_or_in_one(cli, images, out):
    Path("file").write_text("mine")
    outcome = cli("train", "dcgan", *SMALL, "--data", images, "--out", out)
    assert_refused(outcome, "cannot write file", "choose another", "--out")
    assert Path("file").read_text() == "mine"


@pytest.mark.parametrize("words", [["--out", ""], ["--out="]])
def test_an_output_place_without_a_name(cli, images, words):
    """As an unset variable of a shell leaves it."""
    assert_refused(cli("train", "dcgan", *SMALL, "--data", images, *words), "--out is empty", "give a name")
    assert_refused(cli("theory", *words), "--out is empty", "give a name")
    assert_refused(cli("curves", "nowhere", *words), "--out is empty", "give a name")


def test_an_output_place_with_an_impossible_name(cli, images):
    outcome = cli("train", "dcgan", *SMALL, "--data", images, "--out", "x" * 300)
    assert_refused(outcome, "cannot write xxx", "--out")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_output_place(cli, images):
    Path("locked").mkdir(mode=0o500)
    outcome = cli("train", "dcgan", *SMALL, "--data", images, "--out", "locked/run")
    assert_refused(outcome, "cannot write locked/run", "no permission", "--out")


def test_a_read_only_file_system(cli, images, monkeypatch):
    mkdir = Path.mkdir

    def refuse(self, *arguments, **keywords):
        if self.name == "run":
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(self))
        return mkdir(self, *arguments, **keywords)

    monkeypatch.setattr(Path, "mkdir", refuse)
    outcome = cli("train", "dcgan", *SMALL, "--data", images, "--out", "run")
    assert_refused(outcome, "cannot write run: Read-only file system", "--out")


@pytest.mark.parametrize("out", ["file/x.png", "file/x.npy", "file/pictures", "file"])
def test_sample_into_a_place_that_cannot_be_written(cli, run, out):
    Path("file").write_text("mine")
    assert_refused(cli("sample", run, "--n", 1, "--out", out), "cannot write file", "--out")
    assert Path("file").read_text() == "mine"


def test_a_cache_that_cannot_be_written(cli, images, monkeypatch):
    Path("file").write_text("mine")
    monkeypatch.setenv("ZOO_CACHE", str(Path("file/cache").absolute()))
    outcome = cli("train", "dcgan", *SMALL, "--data", images, "--out", "run")
    assert_refused(outcome, "file/cache", "ZOO_CACHE")
    assert not Path("run").exists()


# ---- a disk that becomes full


FSYNC = os.fsync


class Disk:
    """A disk on which the n-th file cannot be finished, nor any after it."""

    def __init__(self, room: int | None) -> None:
        self.room, self.written = room, 0

    def fsync(self, descriptor: int) -> None:
        if self.room is not None and self.written >= self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.written += 1
        FSYNC(descriptor)


def test_a_disk_that_becomes_full_at_any_moment_leaves_only_whole_things(cli, images, monkeypatch):
    arguments = ["train", "dcgan", "--data", images, *flags(tiny("dcgan", steps=3, checkpoint_every=1, sample_every=1))]
    assert cli(*arguments, "--out", "first").code == 0, "the data are prepared, and not counted below"
    disk = Disk(None)
    monkeypatch.setattr(os, "fsync", disk.fsync)
    assert cli(*arguments, "--out", "whole").code == 0
    assert disk.written > 20
    for room in range(disk.written):
        out = Path(f"run-{room}")
        monkeypatch.setattr(os, "fsync", Disk(room).fsync)
        outcome = cli(*arguments, "--out", out)
        monkeypatch.setattr(os, "fsync", disk.fsync)
        full = f"cannot write {out}", "No space left on device; the disk is full; make room"
        if outcome.code == 0:  # film and report come last, when the training is done and kept
            assert zoo.Run(out).latest()[0] == 3
            said = " ".join(outcome.out.split())
            assert [part for part in ("report.html is left out: ", *full) if part not in said] == [], said
        else:
            advice = "--out"
            if (out / "config.json").exists():
                saved = zoo.Run(out).checkpoints
                how = f"goes on from step {saved[-1][0]}" if saved else "begins again at step 0"
                advice = f"zoo resume {out} {how}"
            assert_refused(outcome, *full, advice)
        left = [path for path in out.rglob("*") if path.name.endswith(".part")]
        assert left == [], f"room for {room} files"
        for path in out.glob("samples/*.png"):
            with Image.open(path) as picture:
                picture.load()
        if not (out / "config.json").exists():
            assert_refused(cli("sample", out), str(out))
        elif zoo.Run(out).checkpoints:
            assert zoo.load(out)(1).shape == (1, 1, 8, 8)
        else:
            assert_refused(cli("sample", out), "has no checkpoint yet")
            assert cli("resume", out).code == 0
            assert run_differences(zoo.Run("whole"), zoo.Run(out)) == []


def test_after_a_full_disk_the_same_command_works(cli, images, monkeypatch):
    """A folder in which nothing could be begun does not stand in the way."""
    arguments = ["train", "dcgan", *SMALL, "--data", images, "--out", "run"]
    roomy, full = Disk(None), Disk(0)
    monkeypatch.setattr(os, "fsync", full.fsync)
    assert_refused(cli(*arguments), "make room")
    monkeypatch.setattr(os, "fsync", roomy.fsync)
    assert cli(*arguments).code == 0


def test_a_run_that_met_a_full_disk_goes_on_once_there_is_room(cli, images, monkeypatch):
    options = tiny("dcgan", steps=4, checkpoint_every=2)
    count = Disk(None)
    monkeypatch.setattr(os, "fsync", count.fsync)
    whole = zoo.train("dcgan", data=str(images), out="whole", **options)
    monkeypatch.setattr(os, "fsync", Disk(count.written - 6).fsync)
    assert cli("train", "dcgan", "--data", images, *flags(options), "--out", "run").code == 2
    monkeypatch.setattr(os, "fsync", count.fsync)
    assert zoo.Run("run").latest()[0] == 2
    assert cli("resume", "run").code == 0
    assert load_file(zoo.Run("run").latest()[1] / "generator.safetensors").keys()
    for name, value in load_file(whole.latest()[1] / "generator.safetensors").items():
        np.testing.assert_array_equal(load_file(zoo.Run("run").latest()[1] / "generator.safetensors")[name], value)


def test_a_real_limit_on_the_size_of_files(images):
    """The system itself refuses the write, in the midst of a checkpoint."""
    zoo.train("dcgan", data=str(images), out="prepares-the-data", **tiny("dcgan", steps=1, report=False))
    sizes = {path.name: path.stat().st_size for path in Path("prepares-the-data").rglob("*") if path.is_file()}
    limit = sizes.pop("state.safetensors") - 1
    assert max(sizes.values()) < limit, "the limit is met in a checkpoint"
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "train", "dcgan", "--data", str(images), *flags(tiny("dcgan", samples=1)),
         "--log-every", "4", "--out", "run"],
        capture_output=True, text=True, timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    outcome = Outcome(done.returncode, done.stdout, done.stderr)
    assert_refused(outcome, "cannot write run", "zoo resume run begins again at step 0")
    assert zoo.Run("run").checkpoints == []
    assert list(Path("run").rglob("*.part")) == []


def test_sample_on_a_full_disk_leaves_nothing(cli, run, monkeypatch):
    monkeypatch.setattr(os, "fsync", Disk(0).fsync)
    for out in ("x.png", "x.npy"):
        assert_refused(cli("sample", run, "--n", 1, "--out", out), f"cannot write {out}", "make room")
    assert {path.name for path in Path().iterdir()} - {run.name, "file"} == set()


# ---- damaged runs and checkpoints


def edit(path: Path, change: Callable[[dict[str, np.ndarray]], object]) -> None:
    """Changes the tensors of a safetensors file."""
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)
    reseal(path.parent)


def newest(run: Path) -> Path:
    return zoo.Run(run).latest()[1]


def assert_unusable(cli, run: Path, *parts: str, raw: bool = False) -> None:
    """Neither sampled nor gone on with, both with a message that has the parts."""
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert_refused(cli("resume", run, "--steps", 9), *parts)
    assert_refused(cli("sample", run, "--n", 1, *(["--raw"] if raw else [])), *parts)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    assert not Path("samples.png").exists()


def test_a_checkpoint_with_a_tensor_missing(cli, run):
    edit(newest(run) / "generator.safetensors", lambda tensors: tensors.pop("layers.0.weight"))
    assert_unusable(
        cli, run, "generator.safetensors does not fit 'dcgan'", "it lacks layers.0.weight", "another", raw=True
    )


def test_a_checkpoint_with_a_tensor_too_many(cli, run):
    edit(newest(run) / "generator.safetensors", lambda tensors: tensors.update(extra=np.zeros(1, np.float32)))
    assert_unusable(cli, run, "it has extra", raw=True)


def test_a_checkpoint_with_a_tensor_of_another_shape(cli, run):
    def shrink(tensors):
        tensors["layers.0.weight"] = tensors["layers.0.weight"][:1]

    edit(newest(run) / "generator.safetensors", shrink)
    assert_unusable(cli, run, "layers.0.weight", "(1, 2, 4, 4)", "(4, 2, 4, 4)", raw=True)


def test_a_checkpoint_of_another_architecture(cli, run, images):
    other = zoo.train("vanilla", data=str(images), out="other", **tiny("vanilla"))
    for file in newest(run).iterdir():
        shutil.copy(other.latest()[1] / file.name, file)
    assert_unusable(cli, run, "does not fit 'dcgan' as config.json describes it", "it lacks", "another architecture")


def test_a_run_whose_config_names_another_architecture(cli, run):
    config = json.loads((run / "config.json").read_text())
    config["architecture"] = "vanilla"
    (run / "config.json").write_text(json.dumps(config))
    assert_unusable(cli, run, "width")


def test_a_run_of_an_architecture_that_is_not_installed(cli, run):
    config = json.loads((run / "config.json").read_text())
    config["architecture"] = "stylegan"
    (run / "config.json").write_text(json.dumps(config))
    assert_unusable(cli, run, "unknown architecture 'stylegan'", "zoo list")


def test_a_discriminator_with_a_tensor_missing_cannot_go_on(cli, run):
    edit(newest(run) / "discriminator.safetensors", lambda tensors: tensors.pop("layers.0.weight"))
    assert_refused(cli("resume", run, "--steps", 9), "discriminator.safetensors", "it lacks layers.0.weight")
    assert cli("sample", run, "--n", 1).code == 0, "pictures need the generator alone"


@pytest.mark.parametrize(
    "missing",
    ["ema.weights.layers.0.weight", "optimizer.generator.state.0.exp_avg", "latents.random", "random.torch"],
)
def test_a_state_with_a_tensor_missing_cannot_go_on(cli, run, missing):
    edit(newest(run) / "state.safetensors", lambda tensors: tensors.pop(missing))
    assert_refused(cli("resume", run, "--steps", 9), "state", "is damaged", f"{missing!r} is missing")
    assert zoo.Run(run).config["steps"] == 4, "nothing is changed before everything has been checked"


def test_an_average_with_a_tensor_missing_is_not_drawn_with(cli, run):
    edit(newest(run) / "state.safetensors", lambda tensors: tensors.pop("ema.weights.layers.0.weight"))
    assert_refused(cli("sample", run, "--n", 1), "is damaged", "'ema.weights.layers.0.weight' is missing")


@pytest.mark.parametrize("file", ["generator", "state"])
@pytest.mark.parametrize("keep", [0, 7, 60, -1])
def test_a_truncated_safetensors_file(cli, run, file, keep):
    path = newest(run) / f"{file}.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    assert_unusable(
        cli,
        run,
        f"{file}.safetensors cannot be read",
        "whole: zoo resume run",
        "--from step-00000002",
        raw=file == "generator",
    )


def test_the_advice_for_a_damaged_checkpoint_works(cli, run):
    (newest(run) / "generator.safetensors").write_bytes(b"")
    shutil.rmtree(run / "checkpoints" / "step-00000004")
    assert cli("resume", run).code == 0
    assert zoo.Run(run).latest()[0] == 4


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", '{"step": "four"}', '{"step": 4}',
     '{"step": 4, "batches": 4, "ema_updates": 4, "precision": {}, "seconds": "long"}'],
)  # fmt: skip
def test_a_damaged_state_file(cli, run, content):
    (newest(run) / "state.json").write_text(content)
    assert_refused(cli("resume", run, "--steps", 9), "state")


def test_a_checkpoint_with_a_file_missing_is_passed_over(cli, run):
    (newest(run) / "state.json").unlink()
    assert zoo.Run(run).latest()[0] == 2
    outcome = cli("sample", run, "--n", 1)
    assert outcome.code == 0
    assert "step 2" in outcome.out


def test_a_truncated_config(cli, run):
    text = (run / "config.json").read_text()
    for keep in (0, 1, len(text) // 2, len(text) - 3):
        (run / "config.json").write_text(text[:keep])
        assert_unusable(cli, run, "config.json cannot be read")


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (dict(width=0), ["config.json: width: 0 does not fit"]),
        (dict(wdth=3), ["option 'wdth'", "'width'"]),
        (dict(learning_rate=None), ["config.json: learning_rate"]),
        (dict(width=3), ["does not fit 'dcgan' as config.json describes it"]),
    ],
    ids=str,
)
def test_a_config_whose_options_were_edited(cli, run, change, parts):
    config = json.loads((run / "config.json").read_text())
    config["options"].update(change)
    (run / "config.json").write_text(json.dumps(config))
    assert_unusable(cli, run, *parts)


@pytest.mark.parametrize(
    "change",
    [
        dict(height=0),
        dict(height=-8),
        dict(width="8 pixels"),
        dict(channels=2),
        dict(class_names=None),
        dict(class_names=3),
    ],
    ids=str,
)
def test_a_config_whose_data_was_edited(cli, run, change):
    config = json.loads((run / "config.json").read_text())
    config["data"].update(change)
    (run / "config.json").write_text(json.dumps(config))
    assert_unusable(cli, run, "config.json does not describe its data")


def test_a_config_that_lost_the_fingerprint_of_its_data(cli, run):
    config = json.loads((run / "config.json").read_text())
    del config["data"]["fingerprint"]
    (run / "config.json").write_text(json.dumps(config))
    assert_refused(cli("resume", run, "--steps", 9), "run")


def test_metrics_that_are_damaged_do_not_stop_a_run(cli, run):
    """They are for people; what a run needs to go on is in its checkpoint."""
    with (run / "metrics.jsonl").open("ab") as file:
        file.write(b"\xff\xfe\x00\n[1]\n3\n")
    assert cli("resume", run, "--steps", 5).code == 0
    assert [line["step"] for line in zoo.Run(run).metrics()] == [1, 2, 3, 4, 5]


def test_data_that_is_gone(cli, tmp_path):
    data = write_images(tmp_path / "mine.npz")
    zoo.train("dcgan", data=str(data), out="run", **tiny("dcgan"))
    data.unlink()
    assert_refused(cli("resume", "run", "--steps", 9), "mine.npz", "does not exist")
    assert cli("sample", "run", "--n", 1).code == 0, "pictures need no data"


def test_data_that_is_gone_is_to_be_put_back_where_it_was(cli, tmp_path):
    data = write_images(tmp_path / "mine.npz")
    zoo.train("dcgan", data=str(data), out="run", **tiny("dcgan"))
    data.unlink()
    outcome = cli("resume", "run", "--steps", 9)
    assert_refused(outcome, str(data), "put it back at that path", "zoo resume run --data PLACE")


@pytest.mark.parametrize("change", [dict(augment=["gone"]), dict(objective="gone")], ids=str)
def test_what_an_uninstalled_plugin_brought_is_told_by_where_its_name_is_from(cli, run, change):
    config = json.loads((run / "config.json").read_text())
    config["options"].update(change)
    (run / "config.json").write_text(json.dumps(config))
    outcome = cli("resume", run, "--steps", 9)
    assert_refused(outcome, f"--{next(iter(change))} gone", "config.json", "no installed plugin brings", "install")


@pytest.mark.parametrize(
    ("change", "words"), [(dict(width="q"), "width: 'q' does not fit"), (dict(qqqqqq=1), "unknown option 'qqqqqq'")]
)
def test_options_of_a_run_are_told_of_by_their_file(cli, run, change, words):
    config = json.loads((run / "config.json").read_text())
    config["options"].update(change)
    (run / "config.json").write_text(json.dumps(config))
    for command in ("resume", "sample"):
        outcome = cli(command, run)
        assert_refused(outcome, f"config.json: {words}", "from a backup")
        assert "--help" not in outcome.err
        assert len(outcome.err) < 300


# ---- every message is for a person


def test_every_error_of_ours_is_a_zoo_error_with_a_message_of_its_own():
    from zoo import errors

    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert {kind.__name__ for kind in kinds} == {
        "ZooError", "OptionError", "PluginError", "DataError", "RunError", "NoGeneratorError", "NativeError"
    }  # fmt: skip
    assert all(issubclass(kind, ZooError) and kind.__doc__ for kind in kinds)
