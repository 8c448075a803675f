"""What is done to all that D sees: changes that share a pass, the probability with which they are made, and how that moves."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from support import Stop, assert_refused, assert_same_checkpoint, tiny
from test_capture import compare
from torch import nn
from toy_step import CPU, SHAPE, build

import zoo
from zoo import ops
from zoo.engine.augmentation.apply import augmented
from zoo.engine.augmentation.probability import EVERY, Probability
from zoo.objective import Objective
from zoo.testing.comparing import run_differences


def pictures(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1)) * 2 - 1


def maps(count: int) -> torch.Tensor:
    made = torch.randn(count, 2, 3, generator=torch.Generator().manual_seed(2)) * 0.2 + torch.eye(2, 3)
    made[:, :, 2] *= 5
    return made


def colours(count: int, channels: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    matrix, of_means = torch.randn(2, count, channels, channels, generator=random).unbind()
    return matrix, torch.randn(count, channels, generator=random), of_means


class Passes:
    """Counts the calls of `zoo.ops.augment`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count, plain = 0, ops.augment

        def counted(*arguments: object) -> torch.Tensor:
            self.count += 1
            return plain(*arguments)

        monkeypatch.setattr(ops, "augment", counted)


BOX = [torch.tensor([1, 2, 0]), torch.tensor([2, 0, 1]), torch.tensor([4, 4, 3]), torch.tensor([5, 3, 3])]
SEQUENCES = {
    "colour, warp, box": (["color", "zeros", "box"], 1),
    "colours": (["color", "other", "color"], 1),
    "warps with mirrors": (["reflect", "flip"], 1),
    "colour behind a mirror": (["reflect", "pixelwise", "box"], 1),
    "means behind a warp": (["reflect", "color"], 2),
    "colour behind zeros": (["zeros", "pixelwise"], 2),
    "warps with zeros": (["zeros", "zeros"], 2),
    "mirrors behind zeros": (["zeros", "reflect"], 2),
    "boxes": (["box", "box", "color"], 3),
    "nothing": ([], 0),
}


def asked(transform: zoo.Transform, what: str) -> None:
    """One change, asked for."""
    if what in ("zeros", "reflect"):
        transform.warp(maps(3), what)
    elif what == "flip":
        transform.warp(torch.tensor([[-1.0, 0, 0], [0, 1, 0]]).expand(3, 2, 3))
    elif what == "box":
        transform.cut(*BOX)
    else:
        matrix, bias, of_means = colours(3, 2, seed=["color", "other", "pixelwise"].index(what))
        transform.recolor(matrix, bias, None if what == "pixelwise" else of_means)


@pytest.mark.parametrize(("sequence", "passes"), SEQUENCES.values(), ids=SEQUENCES)
def test_changes_are_made_in_their_order_and_in_as_few_passes_as_can_be(sequence, passes, monkeypatch):
    given = pictures(3, 2, 7, 9).double()
    expected = given
    for what in sequence:
        alone = zoo.Transform(expected)
        asked(alone, what)
        expected = alone.images()
    counted = Passes(monkeypatch)
    transform = zoo.Transform(given)
    for what in sequence:
        asked(transform, what)
    got = transform.images()
    assert counted.count == passes
    if "flip" not in sequence:
        torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)
    assert transform.images() is got, "and once"


def test_warps_with_mirrors_are_one_map_about_the_middle():
    given = pictures(3, 2, 6, 6).double()
    transform = zoo.Transform(given)
    quarter = torch.tensor([[0.0, 1, 0], [-1, 0, 0]]).expand(3, 2, 3)
    for _ in range(4):
        transform.warp(quarter)
    assert torch.equal(transform.images(), given)
    transform = zoo.Transform(given)
    transform.warp(torch.tensor([[-1.0, 0, 0], [0, 1, 0]]).expand(3, 2, 3))
    transform.warp(quarter)
    assert torch.equal(transform.images(), given.flip(3).rot90(-1, (2, 3)))


def test_what_does_not_fit_is_refused():
    transform = zoo.Transform(pictures(3, 2, 6, 6))
    with pytest.raises(
        ValueError, match=r"matrix is torch.float32 of shape \(3, 3, 2\); torch.float32 of shape \(3, 2, 3\)"
    ):
        transform.warp(torch.zeros(3, 3, 2))
    with pytest.raises(ValueError, match="padding is 'mirror'; zeros and reflect are known"):
        transform.warp(torch.zeros(3, 2, 3), "mirror")
    with pytest.raises(ValueError, match=r"bias is .* torch.float32 of shape \(3, 2\) is needed"):
        transform.recolor(torch.zeros(3, 2, 2), torch.zeros(3, 1))
    with pytest.raises(ValueError, match=r"top is torch\.float32"):
        transform.cut(*[torch.zeros(3)] * 4)


class Negative(zoo.Augmentation):
    """Of a plugin that has not heard of passes."""

    name, summary = "negative", "-x"

    def __call__(self, images):
        return -images


class Moved(zoo.Augmentation):
    name, summary = "moved", "x shifted to the right by one"

    def contribute(self, transform):
        moved = torch.where(transform.chosen(), -1.0, 0.0)
        row = torch.stack([torch.ones_like(moved), torch.zeros_like(moved), moved], 1)
        transform.warp(torch.stack([row, torch.tensor([0.0, 1, 0]).expand(len(moved), 3)], 1), "zeros")
        return True

    def __call__(self, images):
        return images


def fixed(value: float) -> Probability:
    return Probability(zoo.Options(augment_probability=value), CPU)


@pytest.mark.parametrize("each", [Negative(), Moved()], ids=lambda each: each.name)
def test_each_image_is_changed_with_the_probability(each):
    given = pictures(400, 1, 4, 4)
    changed = augmented(given, [each], fixed(0.25))
    share = (changed != given).flatten(1).any(1).float().mean()
    assert 0.15 < share < 0.35
    assert torch.equal(augmented(given, [each], fixed(0.0)), given)
    assert (augmented(given, [each], fixed(1.0)) != given).flatten(1).any(1).all()
    assert torch.equal(augmented(given, [each], None), augmented(given, [each], fixed(1.0)))


def test_how_many_random_numbers_are_drawn_does_not_depend_on_the_probability():
    found = []
    for probability in (None, fixed(0.0), fixed(0.5), fixed(1.0)):
        torch.manual_seed(0)
        augmented(pictures(5, 1, 4, 4), [Moved(), Negative(), Moved()], probability)
        found.append(torch.rand(()))
    assert len(set(map(float, found))) == 1


def test_changes_of_other_plugins_keep_their_place_among_those_that_share_a_pass(monkeypatch):
    counted = Passes(monkeypatch)
    given = pictures(3, 1, 4, 4)
    got = augmented(given, [Moved(), Negative(), Moved(), Moved()], None)
    assert torch.equal(got, -nn.functional.pad(given, (3, 0, 0, 0))[..., :4])
    assert counted.count == 3, "one before, two behind, as what zeros have taken the place of does not come back"


def adaptive(**options: float) -> Probability:
    return Probability(zoo.Options(**{"augment_target": 0.5, "augment_kimg": 0.1, **options}), CPU)


def test_it_moves_by_so_much_for_each_image_every_four_updates():
    probability = adaptive()
    sure, unsure = torch.tensor([1.0, 2, 3, 4, -1]), torch.tensor([1.0, 2, -3, -4, -1])  # means of signs: 0.6, -0.2
    found = []
    for logits in [sure] * 8 + [unsure] * 4:
        probability.observe(logits, 0.0)
        found.append({name: round(float(value), 5) for name, value in probability.update().items()})
    assert EVERY == 4
    moves = [0.0] * 3 + [0.2] * 4 + [0.4] * 4 + [0.2]
    assert [each["augment_p"] for each in found] == moves
    assert [each["augment_r_t"] for each in found] == [0.0] * 3 + [0.6] * 8 + [-0.2]


def test_it_stays_between_0_and_1_and_begins_where_that_is_said():
    probability = adaptive(augment_probability=0.9)
    for _ in range(12):
        probability.observe(torch.ones(5), 0.0)
        probability.update()
    assert float(probability.value) == 1
    for _ in range(40):
        probability.observe(-torch.ones(5), 0.0)
        probability.update()
    assert float(probability.value) == 0


def test_what_is_real_is_above_the_middle_of_the_objective(monkeypatch):
    seen = []
    monkeypatch.setattr(Probability, "observe", lambda self, logits, middle: seen.append(middle))
    monkeypatch.setattr(Probability, "update", lambda self: {})
    for objective in (Objective("least_squares", a=-1.0, b=2.0), Objective("least_squares"), Objective("hinge")):
        replace(build(objective=objective), probability=adaptive()).run(0)
    assert seen == [0.5, 0.5, 0.0]


class Relativistic(Objective):
    needs_real_logits = True

    def discriminator_loss(self, real_logits, fake_logits, *, scale):
        return scale * nn.functional.softplus(fake_logits - real_logits).mean(), torch.zeros(2)

    def generator_loss(self, fake_logits, *, real_logits, scale):
        return scale * nn.functional.softplus(real_logits - fake_logits).mean(), torch.zeros(1)


def test_of_an_objective_that_compares_the_two_it_is_the_comparison_that_counts():
    found = []
    for offset in (0.0, 100.0):
        step = replace(build(objective=Relativistic("relative")), probability=adaptive())
        with torch.no_grad():
            step.discriminator[3].bias += offset
        found.append([step.run(number)["augment_r_t"].item() for number in range(EVERY)])
    assert found[0] == found[1]
    assert abs(found[0][-1]) < 1


@pytest.mark.parametrize(
    "options", [{}, dict(joined=True), dict(simultaneous=True), dict(r1=0.1, accumulate=2)], ids=str
)
def test_every_way_to_show_d_real_images_is_seen_once(options, monkeypatch):
    counts = []
    observe = Probability.observe
    monkeypatch.setattr(
        Probability, "observe", lambda self, logits, middle: (counts.append(len(logits)), observe(self, logits, middle))
    )
    step = replace(build(**options), probability=adaptive())
    assert "augment_p" in step.run(0)
    assert counts == [8] * step.options.accumulate


def test_a_loss_of_ones_own_that_shows_d_the_batch_is_seen_too():
    def loss(context):
        return context.discriminate(context.fakes.images).mean() - context.discriminate(context.real).mean()

    step = build()
    phases = [replace(step.phases[0], loss=loss), *step.phases[1:]]
    assert "augment_p" in replace(step, phases=phases, probability=adaptive()).run(0)


def test_a_loss_that_never_does_is_refused_with_the_way_out():
    step = build()
    phases = [replace(step.phases[0], loss=lambda context: context.discriminate(context.fakes.images).mean())]
    moving = adaptive()
    assert "augment_p" not in replace(step, phases=phases, probability=moving).run(0)
    with pytest.raises(zoo.errors.OptionError, match="--augment-target follows D's output for real images, and"):
        moving.check_seen()


def test_a_phase_that_looks_at_no_real_images_does_not_count():
    step = build()
    penalty = replace(step.phases[0], loss=lambda context: context.discriminate(context.fakes.images).square().mean())
    alone, beside = adaptive(), adaptive()
    for number in range(8):
        replace(step, probability=alone).run(number)
        replace(step, phases=[step.phases[0], penalty, *step.phases[1:]], probability=beside).run(number)
    assert alone.state_dict()["updates"] == beside.state_dict()["updates"]


@pytest.mark.parametrize("options", [{}, dict(r1=0.1, r1_every=2)], ids=str)
def test_captured_steps_are_the_steps_to_the_last_bit_with_a_probability_that_moves(options):
    def make():
        step = replace(build(**options), augmentations=[Moved(), Negative()], probability=adaptive(augment_target=-0.9))
        assert math.prod(SHAPE) == 6
        return step

    compare(make)


# ---- runs


def options(**more: object) -> dict[str, object]:
    return tiny(
        "dcgan", **{"augment": ("ada", "cutout"), "augment_target": 0.0, "augment_kimg": 0.2, "steps": 12, **more}
    )


def test_a_run_whose_probability_moves_goes_on_exactly(images):
    whole = zoo.train("dcgan", data=str(images), out="whole", **options())
    stop = Stop(6)
    zoo.train("dcgan", data=str(images), out="parts", callbacks=[stop], **options())
    assert stop.told == (6, False)
    parts = zoo.resume("parts")
    assert run_differences(whole, parts) == []
    assert_same_checkpoint(whole.latest()[1], parts.latest()[1])
    logged = [line["augment_p"] for line in whole.metrics()]
    assert len(set(logged[3:])) >= 2, "it has moved"
    assert all(-1 <= line["augment_r_t"] <= 1 for line in whole.metrics())


def test_a_run_that_had_a_fixed_one_goes_on_with_one_that_moves_and_back(images):
    fixed = options(augment_target=None, steps=2)
    run = zoo.train("dcgan", data=str(images), out="run", **fixed)
    assert all("augment_p" not in line for line in run.metrics())
    zoo.resume("run", steps=6, augment_target=0.6, augment_probability=0.5)
    values = {line["step"]: line["augment_p"] for line in zoo.Run("run").metrics() if "augment_p" in line}
    assert values[5] == 0.5
    assert values[6] != 0.5
    zoo.resume("run", steps=7, augment_probability=0.25)
    assert [*zoo.Run("run").metrics()][-1]["augment_p"] == 0.25, "it begins anew there"
    zoo.resume("run", steps=8, augment_target=None, augment_probability=None)
    assert "augment_p" not in [*zoo.Run("run").metrics()][-1]
    zoo.resume("run", steps=9, augment_target=0.6)
    assert [*zoo.Run("run").metrics()][-1]["augment_p"] == 1, "what was always made is not left out all at once"


@pytest.mark.parametrize(("flag", "what"), [("--augment-target", "moves"), ("--augment-probability", "is")])
def test_a_probability_without_augmentations_is_refused(cli, images, flag, what):
    outcome = cli("train", "dcgan", "--data", images, flag, "0.6", "--out", "run")
    assert_refused(outcome, f"{flag} 0.6 {what} the probability of augmentations, and there are none; give some")
    assert not Path("run").exists()


@pytest.mark.parametrize(
    ("flag", "value"), [("--augment-probability", "1.5"), ("--augment-target", "1"), ("--augment-kimg", "0")]
)
def test_values_that_make_no_sense_are_refused(cli, images, flag, value):
    assert_refused(cli("train", "dcgan", "--data", images, "--augment", "ada", flag, value, "--out", "run"), flag)
    assert not Path("run").exists()
