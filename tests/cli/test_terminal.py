"""What others have named never reaches the terminal raw: a name that a terminal would obey is written out, a long one is cut."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from support import assert_refused, flags, tiny
from zoo_of_files import put

import zoo
from zoo.cli.completing.runs import runs as offered
from zoo.system.names import brief, cut, printable, shown

EVIL = "\x1b[2J\x07\n\u202egnp"
WRITTEN = r"\x1b[2J\x07\n\u202egnp"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="such names cannot be given there")


def is_clean(text: str) -> bool:
    return not any((ord(letter) < 32 and letter not in "\n\t") or letter in "\x7f\u202e" for letter in text)


def test_names_of_files_and_of_classes(cli, tmp_path):
    data = tmp_path / "data"
    for name in (f"cat{EVIL}", "dog"):
        for number in range(2):
            put(data / name / f"{number}.png")
    put(data / "dog" / f"broken{EVIL}.png").write_bytes(b"x")
    (data / f"note{EVIL}.txt").write_text("x")
    (data / f"gone{EVIL}").symlink_to("nowhere")
    told = cli(
        "train",
        "cgan",
        "--data",
        data,
        "--size",
        8,
        *flags(tiny("cgan", steps=1, batch_size=2, samples=2)),
        "--out",
        "run",
    )
    assert told.code == 0, told
    assert is_clean(told.out + told.err), repr(told.out + told.err)
    for name in ("cat", "broken", "note", "gone"):
        assert f"{name}{WRITTEN}" in told.out, (name, told.out)
    assert zoo.Run("run").geometry()[1] == [f"cat{WRITTEN}", "dog"]
    told = cli("sample", "run", "--labels", "nothing", "--out", "x.png")
    assert_refused(told, "nothing")
    assert is_clean(told.err)


def test_names_of_classes_in_an_array(cli, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8), np.uint8)
    np.savez(tmp_path / "a.npz", images=images, labels=np.array([f"cat{EVIL}", "dog"] * 2))
    told = cli(
        "train",
        "cgan",
        "--data",
        tmp_path / "a.npz",
        *flags(tiny("cgan", steps=1, batch_size=2, samples=2)),
        "--out",
        "run",
    )
    assert told.code == 0, told
    assert zoo.Run("run").geometry()[1] == [f"cat{WRITTEN}", "dog"]


def test_the_path_that_is_named_in_an_error(cli, tmp_path):
    told = cli("sample", tmp_path / f"run{EVIL}")
    assert told.code == 2
    assert is_clean(told.err), repr(told.err)
    assert r"\x1b[2J\x07" in told.err


def test_a_run_of_somebody_else(cli, images, tmp_path):
    run = zoo.train("vanilla", data=str(images), out=tmp_path / "run", **tiny("vanilla", steps=1)).path
    config = json.loads((run / "config.json").read_text())
    for change in (
        lambda config: config.update(architecture=f"x{EVIL}" * 200),
        lambda config: config["data"].update(title=f"x{EVIL}" * 2000),
        lambda config: config["options"].update(latent=f"x{EVIL}" * 2000),
        lambda config: config["options"].update({f"x{EVIL}" * 2000: 3}),
        lambda config: config["options"].update(data=f"/x{EVIL}"),
        lambda config: config.update(preset=f"x{EVIL}"),
    ):
        changed = json.loads(json.dumps(config))
        change(changed)
        (run / "config.json").write_text(json.dumps(changed))
        told = cli("resume", run, "--steps", 2)
        assert is_clean(told.out + told.err), repr(told.out + told.err)
        assert "Traceback" not in told.err
        assert len(told.err) < 9000
        answer = offered(f"{tmp_path}/")
        assert all(is_clean(about) and len(about) <= 120 for about in answer.values.values()), answer


def test_where_the_data_of_a_run_is_read_is_told(cli, images, tmp_path):
    run = zoo.train("vanilla", data=str(images), out=tmp_path / "run", **tiny("vanilla", steps=1)).path
    told = cli("resume", run, "--steps", 2)
    assert told.code == 0, told
    assert f"the data of {run} is {Path(images).resolve()}" in told.out


def test_texts_of_others():
    assert printable(f"cat{EVIL}") == f"cat{WRITTEN}"
    assert printable("a\nb\tc\x1b", lines=True) == "a\nb\tc\\x1b"
    assert printable("Katze é 猫 \ud800") == "Katze é 猫 ?"
    assert (len(shown("x" * 5000)), len(cut("x" * 5000, 30)), cut("abc", 3)) == (120, 30, "abc")
    assert len(brief({"a": ["x" * 5000] * 5000})) <= 120
    assert brief(int("9" * 4000) ** 2) == "a very long int"
    assert brief("cat\x1b") == r"'cat\x1b'"
