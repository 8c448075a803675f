"""LSGAN's game and its networks for a folder of photographs (their numbers: tests/reference/test_plain_torch_reference.py)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from messages import assert_says
from PIL import Image
from support import flags
from torch.nn import functional as F  # noqa: N812

import zoo
from zoo.engine.build import build_networks
from zoo.engine.plan import choose_objective
from zoo.options.resolve import resolve
from zoo.plugins.registry import registry

TINY = dict(preset="folder64", width=2, latent=4, samples=4, log_every=1, batch_size=3)
COMMAND = ("train", "lsgan", *flags(TINY | dict(steps=2, out="run")))


def resolved(**given):
    architecture = registry().architecture("lsgan")
    return architecture, resolve(architecture, preset="folder64", flags=given)[0]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Seven pictures: PNG and JPEG, colour, grey, palette and transparent, no two of one size."""
    random = np.random.default_rng(0)
    folder = tmp_path / "photos"
    folder.mkdir()
    kinds = [("RGB", "jpg"), ("RGB", "png"), ("RGBA", "png"), ("P", "png"), ("L", "jpg"), ("L", "png"), ("LA", "png")]
    for number, (mode, suffix) in enumerate(kinds):
        levels = random.integers(0, 256, (70 + 9 * number, 90 - 7 * number, 3), np.uint8)
        Image.fromarray(levels).convert(mode).save(folder / f"{number}.{suffix}")
    return folder


# ---- the game


def test_folder64_weighs_each_mean_of_squares_by_one():
    objective = choose_objective(*resolved())
    real, fake = torch.tensor([0.9, 0.2]), torch.tensor([0.4, 0.7])
    ones, zeros = torch.ones(2), torch.zeros(2)
    loss, statistics = objective.discriminator_loss(real, fake, scale=1.0)
    assert float(loss) == pytest.approx(float(F.mse_loss(real, ones) + F.mse_loss(fake, zeros)))
    assert statistics[:2].tolist() == pytest.approx([0.55, 0.55])
    assert float(objective.generator_loss(fake, scale=1.0)[0]) == pytest.approx(float(F.mse_loss(fake, ones)))


def test_the_paper_weighs_it_by_one_half():
    architecture = registry().architecture("lsgan")
    for preset in ("paper", "paper64", "pearson"):
        objective = choose_objective(architecture, resolve(architecture, preset=preset)[0])
        judged = torch.tensor([0.25])
        a, b, c = objective.a, objective.b, objective.c
        loss = objective.discriminator_loss(judged, judged, scale=1.0)[0]
        assert float(loss) == pytest.approx(0.5 * (0.25 - b) ** 2 + 0.5 * (0.25 - a) ** 2)
        assert float(objective.generator_loss(judged, scale=1.0)[0]) == pytest.approx(0.5 * (0.25 - c) ** 2)


def test_the_networks_take_turns_in_folder64_and_nowhere_else():
    architecture, options = resolved()
    judge, draw = architecture.phases(options)
    assert [judge.due(step) for step in range(4)] == [True, False, True, False]
    assert [draw.due(step) for step in range(4)] == [False, True, False, True]
    assert (judge.updates, judge.skip_below, draw.skip_below) == ("discriminator", 0.1, None)
    phases = architecture.phases(resolve(architecture)[0])
    assert [(phase.updates, phase.every, phase.skip_below) for phase in phases] == [
        ("discriminator", 1, None),
        ("generator", 1, None),
    ]


def test_turns_go_with_several_updates_of_the_discriminator():
    architecture, options = resolved(discriminator_steps=3)
    assert [phase.updates for phase in architecture.phases(options) if phase.due(2)] == ["discriminator"] * 3
    assert [phase.updates for phase in architecture.phases(options) if phase.due(3)] == ["generator"]


def test_its_note_tells_of_the_shuffle_that_the_document_throws_away():
    assert "--order shuffle" in registry().architecture("lsgan").preset_notes["folder64"]


def test_folder64_trains_as_its_document_does():
    _, options = resolved()
    assert (options.optimizer, options.learning_rate, options.beta1, options.beta2) == ("adam", 1e-3, 0.9, 0.999)
    assert (options.epsilon, options.weight_decay, options.schedule) == (1e-8, 0.0, "constant"), "PyTorch's defaults"
    assert (options.batch_size, options.order, options.drop_remainder) == (10, "sequential", False)
    assert (options.size, options.channels, options.latent, options.latent_distribution) == (64, 3, 100, "normal")
    assert options.fit == "stretch"
    assert (options.joined, options.reuse_fakes, options.evaluate_fakes, options.ema) == (False, False, False, 0.0)
    assert options.each_epoch


# ---- the networks


def test_folder64_has_no_bias_and_starts_with_weights_as_pytorch_draws_them():
    architecture, options = resolved()
    for network in build_networks(architecture, options, zoo.DataSpec(3, 64, 64)):
        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
                assert module.bias is None
                inputs = module.weight.shape[1] * 16
                assert float(module.weight.detach().abs().max()) == pytest.approx(inputs**-0.5, rel=0.05)
            elif isinstance(module, zoo.nn.BatchNormAct):
                assert bool((module.weight == 1).all())
                assert bool((module.bias == 0).all())


def test_folder64_judges_between_zero_and_one():
    architecture, options = resolved(width=2)
    generator, discriminator = build_networks(architecture, options, zoo.DataSpec(3, 64, 64))
    with torch.no_grad():
        images = generator(20 * torch.randn(3, 100))
        judged = discriminator(images)
    assert images.shape == (3, 3, 64, 64)
    assert -1 <= float(images.min()) < 0 < float(images.max()) <= 1
    assert 0 <= float(judged.min()) <= float(judged.max()) <= 1


def test_folder64_pads_with_black():
    """The original pads images in [0, 1] with zeros: a black image looks the same everywhere, at its border too."""
    architecture, options = resolved(width=2)
    first = build_networks(architecture, options, zoo.DataSpec(3, 64, 64))[1].eval()[:2]
    with torch.no_grad():
        assert bool((first(-torch.ones(1, 3, 64, 64)) == 0).all())


# ---- from a folder


def test_folder64_trains_from_a_folder_of_mixed_pictures_with_one_command(photos, cli):
    outcome = cli(*COMMAND, "--data", photos)
    assert outcome.code == 0, outcome
    run = zoo.Run("run")
    assert run.config["data"]["images"] == 7
    assert [run.config["data"][key] for key in ("channels", "height", "width")] == [3, 64, 64]
    assert zoo.load(run)(2).shape == (2, 3, 64, 64)


def test_an_epoch_is_a_turn_of_the_discriminator_for_every_batch_and_ends_with_a_picture(photos):
    run = zoo.train("lsgan", data=str(photos), out="run", epochs=2, **TINY)
    assert run.config["steps"] == 12, "two epochs of three batches, the last of one picture, each with a turn of G"
    assert [path.stem for path in run.samples] == [
        "step-00000000",
        "step-00000006",
        "step-00000012",
    ]


def test_folder64_squeezes_whole_pictures_in_and_goes_on_with_the_same_ones(photos, cli):
    outcome = cli(*COMMAND, "--data", photos)
    assert_says(outcome.out, "mixed sizes", "64×64", "squeezed")
    assert zoo.Run("run").config["options"]["fit"] == "stretch"
    again = cli("resume", "run", "--steps", 3)
    assert again.code == 0, again
    assert "(all of each is squeezed in)" in again.out


def test_files_that_are_no_pictures_are_skipped_with_a_line(photos, cli):
    (photos / "notes.txt").write_text("no picture")
    (photos / "broken.jpg").write_bytes((photos / "0.jpg").read_bytes()[:300])
    outcome = cli(*COMMAND, "--data", photos)
    assert outcome.code == 0, outcome
    assert "broken.jpg" in outcome.out + outcome.err
    assert "not used: 1 other file (notes.txt)" in outcome.out
    assert zoo.Run("run").config["data"]["images"] == 7


def test_an_empty_folder_is_refused_with_what_fits(tmp_path, cli):
    (tmp_path / "empty").mkdir()
    outcome = cli(*COMMAND, "--data", tmp_path / "empty")
    assert outcome.code == 2
    assert "holds no pictures (files such as .png" in outcome.message
    assert not Path("run").exists()


def test_small_grey_digits_are_enlarged_and_made_colour_with_lines_that_say_so(tmp_path, cli):
    digits = np.random.default_rng(0).integers(0, 256, (6, 28, 28), np.uint8)
    np.save(tmp_path / "digits.npy", digits)
    outcome = cli(*COMMAND, "--data", tmp_path / "digits.npy")
    assert outcome.code == 0, outcome
    assert "28×28×1 images are resized to 64×64" in outcome.out + outcome.err
    assert "grey images are repeated in three channels" in outcome.out + outcome.err


def test_another_size_is_refused_with_the_one_that_fits(photos, cli):
    outcome = cli(*COMMAND, "--data", photos, "--size", 32)
    assert outcome.code == 2
    assert "--size 32: lsgan works for the size 64" in outcome.message


@pytest.mark.parametrize(("size", "preset"), [(64, "small"), (28, "paper")])
def test_larger_images_get_a_preset_of_their_own_where_none_is_named(tmp_path, cli, size, preset):
    np.save(tmp_path / "images.npy", np.random.default_rng(0).integers(0, 256, (6, size, size), np.uint8))
    given = flags(dict(width=2, latent=4, steps=2, samples=4, log_every=1, batch_size=3, device="cpu", out="run"))
    outcome = cli("train", "lsgan", "--data", tmp_path / "images.npy", *given)
    assert outcome.code == 0, outcome
    assert zoo.Run("run").config["preset"] == preset
    assert f"preset {preset}, for {size}×{size} grey on the CPU: 2 steps" in outcome.out


def test_a_preset_that_is_named_is_taken_whatever_the_images_are(tmp_path, cli):
    np.save(tmp_path / "images.npy", np.random.default_rng(0).integers(0, 256, (6, 64, 64), np.uint8))
    given = flags(
        dict(preset="paper", width=2, latent=4, steps=2, samples=4, log_every=1, batch_size=3, device="cpu", out="run")
    )
    outcome = cli("train", "lsgan", "--data", tmp_path / "images.npy", *given)
    assert outcome.code == 0, outcome
    assert zoo.Run("run").config["preset"] == "paper"


def test_targets_that_are_the_same_are_refused(cli):
    outcome = cli("train", "lsgan", "--a", "1", "--out", "run")
    assert_says(outcome.message, "a and b are both 1")
