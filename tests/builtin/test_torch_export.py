"""`zoo export`: the file draws the run's images in a process that has no zoo, and is there whole or not at all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from support import tiny

import zoo
import zoo.cli

CASES = {
    "vanilla": ("vanilla", {}),
    "dcgan": ("dcgan", {}),
    "cgan": ("cgan", {}),
    "dcgan selu": ("dcgan", {"preset": "selu"}),
    "cgan mlp": ("cgan", {"preset": "mlp"}),
}
COUNTS = (1, 2, 70)

ALONE = """
import json, sys
sys.modules["zoo"] = None  # importing it is an ImportError
import numpy, torch
for name in sys.argv[1:]:
    facts = {"zoo.json": ""}
    network = torch.export.load(f"{name}.pt2", extra_files=facts).module()
    facts = json.loads(facts["zoo.json"])
    given = numpy.load(f"{name}.npz")
    assert given["latents"].shape[1] == facts["latent"]
    inputs = [torch.from_numpy(given[part]) for part in ("latents", "labels") if part in given]
    assert bool(facts["classes"]) == (len(inputs) == 2)
    for count in COUNTS:
        numpy.save(f"{name}-{count}.npy", network(*(part[:count] for part in inputs)).detach().numpy())
    json.dump(facts, open(f"{name}.json", "w"))
found = sorted(name for name in sys.modules if name.partition(".")[0] in ("zoo", "zoo_plugins"))
assert found == ["zoo"], found
""".replace("COUNTS", str(COUNTS))


def trained(name: str, images: Path, out: Path | str = "run", **more) -> zoo.Run:
    return zoo.train(name, data=str(images), out=out, **tiny(name, steps=3, **more))


@pytest.fixture(scope="module")
def exported(images, tmp_path_factory) -> Path:
    """A folder with a run of each case, its file, and what the file draws in one process that has no zoo."""
    folder = tmp_path_factory.mktemp("exported")
    for case, (name, more) in CASES.items():
        run = trained(name, images, folder / case, **more)
        assert zoo.cli.run(["export", str(run.path), "--to", "torch", "--out", str(folder / f"{case}.pt2")]) == 0
        samples = zoo.load(run).sample(max(COUNTS), seed=4)
        labels = {} if samples.labels is None else {"labels": samples.labels.numpy()}
        np.savez(folder / f"{case}.npz", latents=samples.latents.numpy(), **labels)
    done = subprocess.run(
        [sys.executable, "-c", ALONE, *CASES], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("case", CASES)
def test_the_images_are_the_runs_own_where_there_is_no_zoo(exported, case):
    generator = zoo.load(exported / case)
    samples = generator.sample(max(COUNTS), seed=4)
    facts = json.loads((exported / f"{case}.json").read_text())
    assert (facts["architecture"], facts["step"]) == (CASES[case][0], 3)
    assert facts["class_names"] == generator.class_names
    assert tuple(facts["shape"]) == samples.images.shape[1:]
    for count in COUNTS:
        found = torch.from_numpy(np.load(exported / f"{case}-{count}.npy"))
        assert found.shape == samples.images[:count].shape
        assert (found - samples.images[:count]).abs().max() < 1e-5


def test_points_are_exported_too(cli):
    zoo.train("vanilla", data="ring", out="run", **tiny("vanilla", steps=1))
    assert cli("export", "run").code == 0
    points = torch.export.load("run.pt2").module()(zoo.load("run").latents(9, 3))
    assert (points - zoo.load("run")(9, 3)).abs().max() < 1e-5


def test_step_and_weights_are_chosen_as_for_pictures(cli, images):
    trained("dcgan", images, checkpoint_every=2, ema=0.5)
    assert cli("export", "run", "--step", 2, "--raw", "--out", "raw.pt2").code == 0
    latents = zoo.load("run").latents(5)
    drawn = torch.export.load("raw.pt2").module()(latents)
    assert (drawn - zoo.load("run", step=2, averaged=False).draw(latents)).abs().max() < 1e-5
    assert (drawn - zoo.load("run", step=2).draw(latents)).abs().max() > 1e-5


def test_a_file_of_that_name_is_replaced_once_the_new_one_is_whole(cli, images, monkeypatch):
    trained("dcgan", images)
    Path("run.pt2").write_bytes(b"old")
    with monkeypatch.context() as patched:
        patched.setattr("torch.export.save", lambda program, file, **more: file.write(b"half") and 1 / 0)
        outcome = cli("export", "run")
        assert outcome.code == 2
        assert "plugin 'torch-export' of zoo" in outcome.err
        assert "ZeroDivisionError" in outcome.err
        assert cli("export", "run", "--out", "new.pt2").code == 2
    assert Path("run.pt2").read_bytes() == b"old"
    assert sorted(path.name for path in Path().iterdir() if path.suffix == ".pt2") == ["run.pt2"]
    assert not list(Path().glob(".*"))
    assert cli("export", "run").code == 0
    assert Path("run.pt2").stat().st_size > 1000


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--to", "torhc"], "unknown --to 'torhc'; did you mean 'torch'? (zoo plugins)"),
        (["--out", "g.onnx"], "--out g.onnx: the format torch is written to NAME.pt2"),
        (["--out", "folder.pt2"], "--out folder.pt2: it is a folder; give NAME.pt2"),
        (["--out", "file/g.pt2"], "cannot write file/g.pt2"),
        ([], "there is no run at nowhere"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_fits(cli, words, message):
    Path("folder.pt2").mkdir()
    Path("file").touch()
    outcome = cli("export", "nowhere", *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert sorted(path.name for path in Path().iterdir()) == ["file", "folder.pt2"]
