"""The command line: what each command prints, writes and returns."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from importlib.metadata import entry_points
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from messages import assert_says
from PIL import Image
from support import assert_refused, flags, tiny, zoo_process

import zoo
from zoo import cli as command_line
from zoo.callback import Callback
from zoo.cli.progress import Progress, clock, describe
from zoo.plugins.registry import registry

COMMANDS = ("train", "resume", "sample", "interpolate", "arithmetic", "list", "info", "doctor")


@pytest.fixture(scope="module")
def runs(images, tmp_path_factory) -> Path:
    """A folder with a run of cgan and one of dcgan, of four steps each."""
    folder = tmp_path_factory.mktemp("runs")
    for name in ("cgan", "dcgan"):
        zoo.train(name, data=str(images), out=folder / name, **tiny(name, checkpoint_every=2))
    return folder


# ---- the commands


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_help_lists_every_command(cli, arguments):
    outcome = cli(*arguments)
    assert (outcome.code, outcome.err) == (0, "")
    for name in COMMANDS:
        assert re.search(rf"^  {name} +\w", outcome.out, re.M), name


def test_the_commands_of_the_contract_are_there():
    assert set(COMMANDS) <= command_line.COMMANDS.keys()


@pytest.mark.parametrize("name", sorted(command_line.COMMANDS))
def test_every_command_has_help(cli, name):
    outcome = cli(name, "--help")
    assert (outcome.code, outcome.err) == (0, "")
    assert f"zoo {name}" in outcome.out


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_the_version_is_told(cli, flag):
    assert cli(flag).out == f"zoo {zoo.__version__}\n"


def test_an_unknown_command_suggests_the_nearest(cli):
    outcome = cli("trian")
    assert (outcome.code, outcome.out) == (2, "")
    assert_refused(outcome, "command", "'trian'", "'train'", "zoo --help")


def test_an_unknown_architecture_suggests_the_nearest(cli):
    for command in ("train", "info"):
        outcome = cli(command, "dcgn")
        assert_refused(outcome, "architecture", "'dcgn'", "'dcgan'", "zoo list")


def test_train_wants_the_name_first(cli):
    assert cli("train").code == 0
    assert ", ".join(zoo.list_architectures()) in cli("train").out
    outcome = cli("train", "--steps", 4, "dcgan")
    assert outcome.code == 2
    assert_says(outcome.err, "name first", "'--steps'")


@pytest.mark.parametrize(
    "command", [["train", "dcgan", "--watch"], ["check", "dcgan", "--without"], ["check", "dcgan", "--only"]]
)
def test_a_list_in_two_parts_is_refused_and_none_forgotten(cli, command):
    outcome = cli(*command, "compiled", command[-1] + "=state")
    assert outcome.code == 2
    assert_says(outcome.err, command[-1], "twice", "behind one")


def test_main_leaves_with_the_code_of_the_command(capsys):
    for arguments, code in ((["--help"], 0), (["trian"], 2)):
        with pytest.raises(SystemExit) as leaving:
            command_line.main(arguments)
        assert leaving.value.code == code


def test_the_module_and_the_script_are_the_same_command(monkeypatch, capsys):
    module = zoo_process("--version")  # a process: pytest loads modules in a way of its own, which runpy does not know
    monkeypatch.setattr(sys, "argv", ["zoo", "--version"])
    (script,) = (point for point in entry_points(group="console_scripts") if point.name == "zoo")
    with pytest.raises(SystemExit):
        script.load()()
    assert capsys.readouterr().out == module.out == f"zoo {zoo.__version__}\n"


def test_ctrl_c_outside_of_training_is_quiet(cli, monkeypatch):
    def interrupt(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("zoo.cli.list.run", interrupt)
    outcome = cli("list")
    assert (outcome.code, outcome.err) == (130, "zoo: interrupted\n")


def test_a_reader_that_goes_away_is_no_error():
    """As in `zoo list | head -1`."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-m", "zoo", "list"], stdout=write, stderr=subprocess.PIPE, timeout=120)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


# ---- list, info, doctor


def test_list_shows_architectures_data_and_where_they_come_from(cli):
    outcome = cli("list")
    assert (outcome.code, outcome.err) == (0, "")
    for name in ("cgan", "cr3gan", "dcgan", "lsgan", "r3gan", "vanilla"):
        assert re.search(rf"^{name} .*zoo-gan {re.escape(zoo.__version__)}\s*$", outcome.out, re.M), name
    for source in ("digits", "idx", "cifar", "arrays", "folder"):
        assert re.search(rf"^{source} +\w", outcome.out, re.M), source


def test_list_as_json_is_for_programs(cli):
    content = json.loads(cli("list", "--json").out)
    cgan = registry().contribution("cgan").value
    assert content["architectures"]["cgan"] == {
        "summary": cgan.summary(),
        "presets": list(cgan.presets),
        "preset_notes": {name: note for name, note in cgan.preset_notes.items() if name in cgan.presets},
        "conditional": True,
        "from": f"zoo-gan {zoo.__version__}",
    }
    assert content["conflicts"] == {}
    assert {plugin["name"] for plugin in content["plugins"] if plugin["error"] is None} >= {"cgan", "vanilla"}


def test_info_tells_of_an_architecture(cli):
    outcome = cli("info", "lsgan")
    assert (outcome.code, outcome.err) == (0, "")
    for text in ("Least squares GAN", "paper (default)", "pearson", "a=-1.0", "--width", "--a", "zoo train lsgan --help",
                 f"from zoo-gan {zoo.__version__} (plugin 'lsgan', zoo_plugins.lsgan)"):  # fmt: skip
        assert text in outcome.out, text
    assert "conditional" not in outcome.out
    assert "conditional: needs labelled data" in cli("info", "cgan").out


@pytest.mark.parametrize("name", ["cgan", "cr3gan", "dcgan", "lsgan", "r3gan", "vanilla"])
def test_every_preset_is_told_of_in_a_sentence(cli, name):
    """Which paper or document it follows; where it reads one in another way than another preset, it says so."""
    architecture = registry().contribution(name).value
    told = " ".join(cli("info", name).out.split())
    for preset in architecture.presets:
        note = architecture.preset_notes[preset]
        assert note.endswith(".")
        assert f"{preset} (default) {note}" in told or f"{preset} {note}" in told


@pytest.mark.parametrize(
    ("name", "usual", "others"),
    [
        ("dcgan", "every size from 8 to 256", {"upsample": "every multiple of 4 from 12 to 256",
         "selu": "every multiple of 4 from 8 to 256", "tf64": "every multiple of 16 from 16 to 256",
         "tf64_as_printed": "every multiple of 16 from 16 to 256"}),
        ("lsgan", "every size from 8 to 256", {"folder64": "the size 64"}),
        ("cgan", "every size from 8 to 256", {"mlp": "every size"}),
        ("vanilla", None, {}),
    ],
)  # fmt: skip
def test_info_tells_the_sizes_and_those_of_a_preset_that_takes_others(cli, name, usual, others):
    found, row = {}, None
    for line in cli("info", name).out.splitlines():
        if match := re.match(r"(\w+)(?: \(default\))? +\S", line):
            row = match[1]
        if match := re.match(r"( *)images: (.*\S)", line):
            found[row if match[1] else None] = match[2].removesuffix(", rectangles of such sides too")
    assert found == ({None: usual} if usual else {}) | others


def test_info_tells_of_a_plugin_with_a_preset_that_does_not_fit(cli, install):
    install(
        "import zoo\n\n\nclass Odd(zoo.Architecture):\n    name = 'odd'\n"
        "    presets = {'good': dict(steps=3), 'bad': dict(steps=-3)}\n"
        "    def generator(self, options, data): ...\n    def discriminator(self, options, data): ...\n\n\n"
        "@zoo.hookimpl\ndef zoo_register_architectures(register):\n    register(Odd)\n",
        "zoo_odd",
    )
    outcome = cli("info", "odd")
    assert (outcome.code, outcome.err) == (0, "")
    assert re.search(r"^good +steps=3", outcome.out, re.M)
    assert re.search(r"^bad .*--steps: -3 does not fit", outcome.out, re.M)


def test_info_lines_fit_a_person(cli):
    """A range of sizes is a range, not two hundred numbers."""
    assert all(len(line) <= 200 for line in cli("info", "dcgan").out.splitlines())
    assert "8, 9, 10, 11, 12, 13" not in cli("info", "dcgan").out


def test_doctor_tells_versions_devices_ops_and_plugins(cli, shared_cache):
    outcome = cli("doctor")
    assert (outcome.code, outcome.err) == (0, "")
    for package in (
        "python",
        "zoo-gan",
        "torch",
        "numpy",
        "pluggy",
        "pydantic",
        "tyro",
        "rich",
        "safetensors",
        "pillow",
    ):
        assert re.search(rf"^{package} +[0-9]", outcome.out, re.M), package
    for op in ("batch_norm_act", "bias_act", "discriminator_loss", "generator_loss"):
        assert re.search(rf"^{op} +cpu +(native|reference) +\w", outcome.out, re.M), op
    assert re.search(r"^cpu +1 threads", outcome.out, re.M)
    assert re.search(r"^vanilla +zoo-gan .* zoo_plugins.vanilla +works", outcome.out, re.M)
    assert str(shared_cache) in outcome.out


def test_doctor_leaves_with_1_where_a_native_op_is_wrong(cli, monkeypatch):
    from zoo import ops

    row = ops.CheckRow("bias_act", "cpu", "float32", 0.5, False)
    monkeypatch.setattr(ops, "check", lambda: [row])
    outcome = cli("doctor", "--check")
    assert outcome.code == 1
    assert "WRONG" in outcome.out
    monkeypatch.setattr(ops, "check", lambda: [row._replace(ok=True)])
    assert cli("doctor", "--check").code == 0


# ---- train


def test_train_says_what_it_does_in_plain_lines_where_there_is_no_terminal(cli, images):
    outcome = cli("train", "dcgan", "--data", images, *flags(tiny("dcgan", size=16)), "--out", "run")
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert "\x1b" not in outcome.out
    assert "\r" not in outcome.out
    assert any("8×8×1 images are resized to 16×16" in line for line in lines)
    assert any(line.startswith("run run") and "24 images" in line for line in lines)
    (last,) = (line for line in lines if line.startswith("step 4/4"))
    assert re.search(r"D loss \d.*G loss \d.*D\(x\) 0\.\d+.*D\(G\(z\)\) 0\.\d+.*images/s.*left", last)
    (pictures,) = (line.split()[-1] for line in lines if line.strip().startswith("pictures"))
    assert Path(pictures).is_file()
    (film,) = (line.split()[-1] for line in lines if line.strip().startswith("over time"))
    assert Path(film).is_file()


def test_the_command_that_train_suggests_works(cli, images):
    outcome = cli("train", "dcgan", "--data", images, *flags(tiny("dcgan")), "--out", "my run")
    assert outcome.code == 0
    (command,) = re.findall(r"more +(zoo .*)$", outcome.out, re.M)
    assert cli(*shlex.split(command)[1:]).code == 0
    assert Path("more.png").is_file()


def test_train_without_out_takes_the_next_free_name(cli, images):
    for number in (1, 2):
        assert cli("train", "dcgan", "--data", images, *flags(tiny("dcgan", steps=1))).code == 0
        assert zoo.Run(f"runs/dcgan-{number:03d}").latest()[0] == 1


def test_train_on_a_terminal_shows_a_live_line(monkeypatch, images, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr("rich.console.Console.is_terminal", property(lambda console: True))
    with Progress() as progress:
        zoo.train("dcgan", data=str(images), out="run", callbacks=[progress], **tiny("dcgan"))
    out = capsys.readouterr().out
    assert "4/4" in out
    assert "\x1b[" in out


def test_plain_lines_of_a_long_run_are_few_but_the_last_is_there(monkeypatch, images, capsys):
    now = [0.0]
    monkeypatch.setattr("zoo.cli.progress.time.monotonic", lambda: now[0])
    progress = Progress()

    class Tick(Callback):
        def on_step(self, step):
            now[0] += 0.5

    zoo.train("dcgan", data=str(images), out="run", callbacks=[progress, Tick()], **tiny("dcgan", steps=12))
    shown = [int(number) for number in re.findall(r"^step (\d+)/12", capsys.readouterr().out, re.M)]
    assert shown[-1] == 12
    assert all(later - earlier == 4 for earlier, later in pairwise(shown[:-1])), shown
    assert len(shown) in (3, 4)


def test_the_time_of_what_is_measured_and_drawn_is_told_beside_that_of_the_steps(monkeypatch, images, capsys):
    run = zoo.train("dcgan", data=str(images), out="run", **tiny("dcgan"))
    now = [0.0]
    monkeypatch.setattr("zoo.cli.progress.time.monotonic", lambda: now[0])
    for elapsed, told in ((15.6, "in 0:02, 0:16 with all that was measured, drawn and saved"), (2.1, "in 0:02\n")):
        now[0], progress = 0.0, Progress()
        progress.on_start(run, 0, 4)
        progress.on_metrics({"step": 4, "seconds": 2.0})
        now[0] = elapsed
        progress.on_end(run, 4, True)
        assert f"done: 4 steps {told}" in capsys.readouterr().out


def test_numbers_that_a_step_does_not_have_are_left_out():
    assert describe({"step": 1, "g_loss": 0.5, "images_per_second": 1234.5}) == "G loss 0.500  1,234 images/s"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (59.6, "1:00"), (61, "1:01"), (3599.4, "59:59"), (3600, "1h00m"), (9000, "2h30m")],
)
def test_time_is_told_as_people_do(seconds, text):
    assert clock(seconds) == text


def test_a_real_process_trains_samples_and_goes_on(images):
    done = zoo_process("train", "vanilla", "--data", images, *flags(tiny("vanilla", steps=2)), "--out", "run")
    assert (done.code, done.err) == (0, "")
    assert "\x1b" not in done.out
    done = zoo_process("sample", "run", "--n", 9, "--out", "nine.png")
    assert (done.code, done.err) == (0, "")
    assert Path("nine.png").is_file()


# ---- sample


def pixels(path: str) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.jpeg", "deep/er/x.png"])
def test_sample_writes_a_grid(cli, runs, name):
    outcome = cli("sample", runs / "dcgan", "--n", 6, "--seed", 7, "--out", name)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == f"6 pictures of dcgan, step 4, seed 7: {name}\n"
    assert pixels(name).shape == (3 * 58 + 2, 2 * 58 + 2)


def test_sample_draws_64_into_samples_png_by_default(cli, runs):
    assert cli("sample", runs / "dcgan").code == 0
    assert pixels("samples.png").shape == (8 * 58 + 2, 8 * 58 + 2)


def test_sample_writes_an_array(cli, runs):
    assert cli("sample", runs / "dcgan", "--n", 5, "--seed", 3, "--out", "x.npy").code == 0
    drawn = np.load("x.npy")
    assert (drawn.shape, drawn.dtype) == ((5, 8, 8, 1), np.uint8)
    with_python = zoo.load(runs / "dcgan").images(5, seed=3)
    np.testing.assert_array_equal(drawn[..., 0], np.stack([np.asarray(picture) for picture in with_python]))


@pytest.mark.parametrize("exists", [False, True])
def test_sample_writes_single_pictures_into_a_folder(cli, runs, exists):
    if exists:
        Path("pictures").mkdir()
    assert cli("sample", runs / "dcgan", "--n", 3, "--seed", 3, "--out", "pictures").code == 0
    assert sorted(path.name for path in Path("pictures").iterdir()) == ["0000.png", "0001.png", "0002.png"]
    np.testing.assert_array_equal(
        pixels("pictures/0002.png"), np.asarray(zoo.load(runs / "dcgan").images(3, seed=3)[2])
    )


def test_a_folder_of_pictures_can_be_trained_on_again(cli, runs):
    assert cli("sample", runs / "dcgan", "--n", 16, "--out", "pictures").code == 0
    assert cli("train", "dcgan", "--data", "pictures", *flags(tiny("dcgan", steps=1)), "--out", "again").code == 0
    assert zoo.Run("again").geometry()[0].shape == (1, 8, 8)


def test_the_same_seed_draws_the_same_pictures(cli, runs):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert cli("sample", runs / "dcgan", "--n", 4, "--seed", seed, "--out", f"{name}.npy").code == 0
    a, b, c = (np.load(f"{name}.npy") for name in "abc")
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


def test_labels_choose_the_classes(cli, runs):
    assert cli("sample", runs / "cgan", "--labels", "2,0, 1", "--seed", 5, "--out", "x.npy").code == 0
    drawn = zoo.load(runs / "cgan").images(seed=5, labels=[2, 0, 1])
    np.testing.assert_array_equal(np.load("x.npy")[..., 0], np.stack([np.asarray(picture) for picture in drawn]))
    assert cli("sample", runs / "cgan", "--labels", "2", "--n", 5, "--out", "five.npy").code == 0
    assert len(np.load("five.npy")) == 5


def test_all_classes_draws_a_row_of_each(cli, runs):
    outcome = cli("sample", runs / "cgan", "--all-classes", "--n", 4, "--out", "x.png")
    assert outcome.code == 0
    assert outcome.out.startswith("12 pictures of cgan")
    assert pixels("x.png").shape == (3 * 58 + 2, 4 * 58 + 2)
    assert cli("sample", runs / "cgan", "--all-classes", "--out", "x.npy").code == 0
    drawn = zoo.load(runs / "cgan").images(labels=[label for label in (0, 1, 2) for _ in range(8)])
    np.testing.assert_array_equal(np.load("x.npy")[..., 0], np.stack([np.asarray(picture) for picture in drawn]))


def test_without_labels_a_conditional_grid_has_a_column_for_each_class(cli, runs):
    assert cli("sample", runs / "cgan", "--n", 6, "--out", "x.png").code == 0
    assert pixels("x.png").shape == (2 * 58 + 2, 3 * 58 + 2)


def test_sample_takes_an_earlier_step_or_the_weights_themselves(cli, runs):
    for name, more in (("newest", []), ("earlier", ["--step", 2]), ("raw", ["--raw"])):
        assert cli("sample", runs / "dcgan", "--n", 2, *more, "--out", f"{name}.npy").code == 0
    newest, earlier, raw = (np.load(f"{name}.npy") for name in ("newest", "earlier", "raw"))
    run = runs / "dcgan"
    for drawn, generator in (
        (newest, zoo.load(run)), (earlier, zoo.load(run, step=2)), (raw, zoo.load(run, averaged=False))
    ):  # fmt: skip
        expected = np.stack([np.asarray(picture) for picture in generator.images(2)])
        np.testing.assert_array_equal(drawn[..., 0], expected)
