"""Odd places: no home, names that are no text, what another user owns, text of Windows' editors."""

from __future__ import annotations

import builtins
import io
import json
import os
import pickle
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from messages import assert_says
from PIL import Image
from support import Outcome, assert_refused, flags, tiny, write_images, zoo_process

import zoo
from zoo.data.cache import cache_directory
from zoo.data.registry import open_source
from zoo.errors import DataError, RunError

# ---- no home


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a home directory and without an entry in passwd, as containers often have."""
    pwd = pytest.importorskip("pwd")

    def none(number: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    for name in ("HOME", "ZOO_CACHE", "XDG_CACHE_HOME", "USER", "LOGNAME", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", none)


def test_without_a_home_every_command_works(cli, images, homeless, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    Path("temporary").mkdir()
    assert cache_directory().parent == tmp_path / "temporary"
    commands = [
        ["train", "vanilla", "--data", images, *flags(tiny("vanilla", steps=5)), "--out", "run"],
        ["resume", "run", "--steps", 6], ["sample", "run", "--n", 1, "--out", "more.png"], ["curves", "run"],
        ["check", "vanilla", "--only", "shapes"], ["list"], ["info", "vanilla"], ["doctor"], ["plugins"], ["new", "my-gan"],
    ]  # fmt: skip
    for command in commands:
        outcome = cli(*command)
        assert (outcome.code, outcome.err) == (0, "") or "matplotlib" in outcome.err, (command, outcome)
    assert any((tmp_path / "temporary").iterdir()), "the cache"


@pytest.mark.parametrize("out", ["~/run", "~nobody-of-that-name/run"])
def test_a_home_that_is_not_known_is_told_of(cli, images, homeless, out):
    monkeypatched = cli("train", "vanilla", "--data", images, *flags(tiny("vanilla")), "--out", out)
    assert_refused(monkeypatched, out, "that home directory is not known here", "in full")
    assert not Path("~").exists()


# ---- names that are no text

PLAIN = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
ASCII_OUTPUT = {"PYTHONIOENCODING": "ascii"}


def place(name: bytes) -> Path:
    """A folder of that name with pictures of two classes, an array and a file of options."""
    folder = Path(os.fsdecode(name))
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system takes no such names")
    for kind in (b"\xc3\xa4", b"b"):
        (folder / "data" / os.fsdecode(kind)).mkdir(parents=True)
        for number in range(8):
            picture = Image.fromarray(np.full((8, 8), 30 * number, np.uint8))
            picture.save(folder / "data" / os.fsdecode(kind) / os.fsdecode(b"\xfe%d.png" % number))
    write_images(folder / "images.npz")
    (folder / "options.toml").write_text("steps = 1\nlatent = 4\nbatch-size = 8\nsamples = 2\n")
    return folder


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names of files are text there")
@pytest.mark.parametrize("name", [b"b\xff\xe9d", "bildér-日本".encode()], ids=["no UTF-8", "UTF-8"])
def test_names_that_are_no_text_work_everywhere(cli, name, monkeypatch):
    folder = place(name)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # as zoo.cli.main does
    monkeypatch.setenv("ZOO_CACHE", str(folder / "cache"))
    run = folder / "run"
    commands = [
        ["train", "vanilla", "--data", folder / "data", "--config", folder / "options.toml", "--out", run],
        ["train", "vanilla", "--data", folder / "images.npz", "--config", run / "config.json", "--out", folder / "other"],
        ["resume", run, "--steps", 2], ["sample", run, "--n", 1, "--out", folder / "more.png"],
        ["sample", run, "--n", 1, "--raw", "--out", folder / "more.npy"],
    ]  # fmt: skip
    for command in commands:
        outcome = cli(*command)
        assert (outcome.code, outcome.err) == (0, ""), (command, outcome)
    assert zoo.Run(run).config["options"]["data"].endswith("data")
    json.loads((run / "config.json").read_text("utf-8"))
    assert_refused(cli("sample", folder / "nothing"), "there is no run at")


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names of files are text there")
def test_a_run_goes_on_under_another_locale(cli):
    folder = place("bildér-日本".encode())
    train = [
        "train",
        "vanilla",
        "--data",
        folder / "data",
        "--config",
        folder / "options.toml",
        "--out",
        folder / "run",
    ]
    told = zoo_process(*train, **PLAIN)
    assert (told.code, told.err) == (0, ""), told
    assert cli("resume", folder / "run", "--steps", 2).code == 0, "here names are UTF-8"
    (folder / "back").mkdir()
    config = json.loads((folder / "run" / "config.json").read_text("utf-8"))
    config["options"]["data"] = str((folder / "data").resolve())  # as a run that began here has it
    (folder / "run" / "config.json").write_text(json.dumps(config, ensure_ascii=False), "utf-8")
    told = zoo_process("resume", folder / "run", "--steps", 3, **PLAIN, **ASCII_OUTPUT)
    assert (told.code, told.err) == (0, ""), told


# ---- what may not be read


@pytest.fixture
def deny(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Makes a file, or a folder with all that is in it, one that this user may not read; of root too, whom nothing is denied."""

    def put(target: Path) -> None:
        barred = os.path.realpath(target)

        def is_barred(path: object) -> bool:
            if not isinstance(path, str | bytes | os.PathLike):
                return False
            name = os.path.abspath(os.fsdecode(path))
            return name == barred or name.startswith(barred + os.sep)

        def guarded(function: Callable[..., object], inside: bool = False) -> Callable[..., object]:
            def call(path: object = ".", *arguments: object, **keywords: object) -> object:
                within = is_barred(path) and not (inside and os.path.abspath(os.fsdecode(path)) == barred)  # type: ignore[arg-type]
                if within:
                    raise PermissionError(13, os.strerror(13), os.fsdecode(path))  # type: ignore[arg-type]
                return function(path, *arguments, **keywords)

            return call

        for module, name in ((builtins, "open"), (io, "open"), (os, "open"), (os, "scandir"), (os, "listdir")):
            monkeypatch.setattr(module, name, guarded(getattr(module, name)))
        monkeypatch.setattr(
            os, "stat", guarded(os.stat, inside=True)
        )  # the thing itself can be looked at, what is in it not

    return put


def assert_denied(outcome: Outcome, name: str) -> None:
    """Said to be unreadable, and nothing that would make it worse."""
    assert_refused(outcome, name, "cannot be read: permission denied", "for the right to read it")
    wrong = (
        "does not exist",
        "there is no",
        "train again",
        "remove",
        "delete",
        "copy or download",
        "Errno",
        "is no ",
        "not a run",
    )
    assert [words for words in wrong if words in outcome.err] == [], outcome.err


def idx(folder: Path) -> Path:
    images = np.zeros((16, 8, 8), np.uint8)
    (folder / "train-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 16]) + bytes(range(16)))
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(bytes([0, 0, 8, 3, 0, 0, 0, 16, 0, 0, 0, 8, 0, 0, 0, 8]) + images.tobytes())
    return path


def cifar(folder: Path, binary: bool) -> Path:
    folder = folder / "cifar"
    folder.mkdir()
    for number in range(1, 6):
        if binary:
            (folder / f"data_batch_{number}.bin").write_bytes(bytes(4 * 3073))
        else:
            content = {b"data": np.zeros((4, 3072), np.uint8), b"labels": [0] * 4}
            (folder / f"data_batch_{number}").write_bytes(pickle.dumps(content, 2))
    return folder


def arrays(folder: Path) -> Path:
    np.save(folder / "mine.npy", np.zeros((16, 8, 8), np.uint8))
    np.save(folder / "mine-labels.npy", np.arange(16))
    return folder / "mine.npy"


def pictures(folder: Path) -> Path:
    for kind in ("a", "b"):
        (folder / "pictures" / kind).mkdir(parents=True)
        Image.new("L", (8, 8)).save(folder / "pictures" / kind / "one.png")
    return folder / "pictures"


KINDS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "idx": (idx, "."), "idx labels": (idx, "../train-labels-idx1-ubyte"), "npy": (arrays, "."),
    "npy labels": (arrays, "../mine-labels.npy"), "npz": (lambda folder: write_images(folder / "mine.npz"), "."),
    "cifar binary": (lambda folder: cifar(folder, True), "data_batch_3.bin"),
    "cifar python": (lambda folder: cifar(folder, False), "data_batch_3"),
    "cifar folder": (lambda folder: cifar(folder, True), "."),
    "folder": (pictures, "."),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_data_of_another_user_is_said_to_be_unreadable(cli, deny, tmp_path, kind):
    make, barred = KINDS[kind]
    data = make(tmp_path)
    assert len(open_source(str(data))) > 0, "as long as it can be read"
    target = Path(os.path.normpath(data / barred))
    deny(target)
    assert_denied(cli("train", "vanilla", "--data", data, *flags(tiny("vanilla")), "--out", "run"), target.name)
    assert not Path("run").exists()


def test_one_subfolder_that_may_not_be_read_is_counted_named_and_left_out(cli, deny, tmp_path):
    data = pictures(tmp_path)
    Image.new("L", (8, 8), 90).save(data / "a" / "two.png")
    deny(data / "b")
    options = flags(tiny("vanilla", steps=1, batch_size=2, samples=2))
    told = cli("train", "vanilla", "--data", data, *options, "--out", "run")
    assert told.code == 0, told
    assert_says(told.out, "not used", "1 folder or file that cannot be read (b: Permission denied)")
    strict = cli("train", "vanilla", "--data", data, *options, "--out", "strict", "--strict")
    assert_refused(strict, "cannot be read (b: Permission denied)", "--strict")


def test_a_link_to_itself_is_counted_and_leads_nowhere(cli, tmp_path):
    data = pictures(tmp_path)
    (data / "loop").symlink_to(data / "loop")
    options = flags(tiny("vanilla", steps=1, batch_size=2, samples=2))
    told = cli("train", "vanilla", "--data", data, *options, "--out", "run")
    assert told.code == 0, told
    assert_says(told.out, "1 link that leads nowhere (loop)")


def test_where_nothing_can_be_read_no_run_begins_and_the_reason_is_told(cli, deny, tmp_path):
    data = pictures(tmp_path)
    for kind in "ab":
        deny(data / kind)
    told = cli("train", "vanilla", "--data", data, *flags(tiny("vanilla")), "--out", "run")
    assert_refused(told, "holds no pictures", "2 folders and files that cannot be read (", "a: Permission denied")


def test_pictures_that_none_may_read(cli, deny, tmp_path):
    data = pictures(tmp_path)
    for picture in data.rglob("*.png"):
        deny(picture)
    assert_denied(cli("train", "vanilla", "--data", data, *flags(tiny("vanilla"))), "one.png")


@pytest.fixture
def run(images: Path) -> Path:
    return zoo.train("vanilla", data=str(images), out="run", **tiny("vanilla", steps=2, checkpoint_every=1)).path


@pytest.mark.parametrize(
    "barred",
    [".", "config.json", "checkpoints", "checkpoints/step-00000002", "checkpoints/step-00000002/generator.safetensors",
     "checkpoints/step-00000002/state.json", "checkpoints/step-00000002/state.safetensors"],
)  # fmt: skip
def test_a_run_of_another_user_is_said_to_be_unreadable(cli, deny, run, barred):
    deny(run / barred)
    assert_denied(cli("resume", run, "--steps", 3), Path(run / barred).name)
    if "state" not in barred:
        assert_denied(cli("sample", run, "--n", 1, "--raw"), Path(run / barred).name)


def test_metrics_that_may_not_be_read(deny, run):
    known = zoo.Run(run)
    deny(run / "metrics.jsonl")
    with pytest.raises(RunError, match=r"metrics\.jsonl cannot be read: permission denied"):
        known.metrics()


def test_options_and_prepared_data_that_may_not_be_read(cli, deny, images, monkeypatch):
    Path("mine.toml").write_text("steps = 1\n")
    monkeypatch.setenv("ZOO_CACHE", "cache")
    assert cli("train", "vanilla", "--data", images, *flags(tiny("vanilla", steps=1)), "--out", "one").code == 0
    (store,) = Path("cache/prepared").iterdir()
    deny(store)
    told = cli("train", "vanilla", "--data", images, *flags(tiny("vanilla", steps=1)), "--out", "two")
    assert_denied(told, store.name)
    assert "set ZOO_CACHE to a folder of your own" in told.err
    deny(Path("mine.toml"))
    assert_denied(cli("train", "vanilla", "--data", images, "--config", "mine.toml"), "mine.toml")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is denied to root")
def test_what_is_really_denied(cli, tmp_path):
    data = pictures(tmp_path)
    data.chmod(0)
    try:
        assert_denied(cli("train", "vanilla", "--data", data), "pictures")
    finally:
        data.chmod(0o700)


def test_whose_it_is(deny, tmp_path, monkeypatch):
    data = write_images(tmp_path / "mine.npz")
    monkeypatch.setattr(os, "geteuid", lambda: os.stat(data).st_uid + 1, raising=False)
    deny(data)
    with pytest.raises(DataError, match=r"mine\.npz cannot be read: permission denied \(it belongs to "):
        open_source(str(data))


# ---- text of Windows' editors


@pytest.mark.parametrize("file", ["config.json", "metrics.jsonl", "checkpoints/step-00000002/state.json"])
def test_a_byte_order_mark_in_a_run_is_no_damage(cli, run, file):
    (run / file).write_bytes(b"\xef\xbb\xbf" + (run / file).read_bytes())
    assert [line["step"] for line in zoo.Run(run).metrics()] == [1, 2]
    assert cli("resume", run, "--steps", 3).code == 0
    assert [line["step"] for line in zoo.Run(run).metrics()] == [1, 2, 3]


@pytest.mark.parametrize("name", ["mine.toml", "mine.json"])
def test_a_byte_order_mark_in_options_is_no_mistake(cli, images, name):
    text = "steps = 1\r\nlatent = 4\r\n" if name.endswith("toml") else json.dumps(dict(steps=1, latent=4))
    Path(name).write_bytes(b"\xef\xbb\xbf" + text.encode())
    options = {key: value for key, value in tiny("vanilla").items() if key not in ("steps", "latent")}
    assert cli("train", "vanilla", "--data", images, *flags(options), "--config", name, "--out", "new").code == 0
    assert zoo.Run("new").config["options"]["latent"] == 4
    shutil.rmtree("new")
