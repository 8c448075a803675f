"""Captured steps, with a stand-in for CUDA graphs that does the recorded work again: the numbers are those of plain steps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from support import Notes, Stop, tiny
from torch import nn
from toy_step import CPU, LATENT, Feed, build, discriminator, generator

import zoo
from zoo.architecture import Phase
from zoo.engine.build import TrainingState
from zoo.engine.callbacks import Callbacks
from zoo.engine.graphs.capture import WARM_UP, CapturedStep, check_capture, pattern
from zoo.engine.optim.build import build_optimizer
from zoo.engine.optim.schedule import base_rates, rate_at, set_rate
from zoo.errors import OptionError
from zoo.run.checkpoint import read_state
from zoo.testing.comparing import run_differences

STEPS = 12


class Replayed:
    """In the place of CUDA graphs: a replay does the captured work again, with the numbers that Python had at the capture.

    As on a GPU, a capture does nothing yet, and what it is to follow from step to step has to lie in tensors.
    """

    def __init__(self, step) -> None:
        self.groups = [group for each in step.optimizers.values() for group in each.param_groups]
        self.captures = self.replays = 0

    def stream(self):
        return nullcontext()

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        self.captures += 1
        frozen = [{key: value for key, value in group.items() if isinstance(value, float)} for group in self.groups]

        def replay() -> None:
            self.replays += 1
            with _in_force(self.groups, frozen):
                work()

        return replay


@contextmanager
def _in_force(groups: list[dict], values: list[dict]) -> Iterator[None]:
    before = [{key: group[key] for key in frozen} for group, frozen in zip(groups, values, strict=True)]
    for group, frozen in zip(groups, values, strict=True):
        group.update(frozen)
    try:
        yield
    finally:
        for group, old in zip(groups, before, strict=True):
            group.update(old)


def capturable(step):
    """With optimisers as a run on a GPU has them."""
    rates = base_rates(step.options)
    made = {role: build_optimizer(getattr(step, role).parameters(), step.options, rates[role], True) for role in rates}
    return replace(step, optimizers=made)


def played(step, captured: CapturedStep | None = None, steps: int = STEPS) -> list[dict[str, float]]:
    """What each step tells, under the schedule of the options."""
    torch.manual_seed(9)
    told = []
    for number in range(steps):
        for role, rate in base_rates(step.options).items():
            set_rate(step.optimizers[role], rate_at(step.options, rate, number, steps))
        statistics = (captured or step).run(number)
        told.append({name: float(value) for name, value in statistics.items()})
    return told


def state_of(step) -> list[torch.Tensor]:
    """All that a step changes: weights, buffers, optimisers' states, the stream of latents, torch's random numbers."""
    kept = [
        value
        for optimizer in step.optimizers.values()
        for each in optimizer.state_dict()["state"].values()
        for value in each.values()
    ]
    networks = [*step.generator.state_dict().values(), *step.discriminator.state_dict().values()]
    return [*networks, *kept, step.latents.random.get_state(), torch.get_rng_state()]


def compare(make: Callable[[], object], steps: int = STEPS) -> Replayed:
    """Captured and uncaptured, bit for bit; returns what captured."""
    plain = make()
    expected = played(plain, steps=steps)
    expected_state = state_of(plain)
    ours = make()
    graphs = Replayed(ours)
    said: list[str] = []
    with Callbacks([Notes(said)]).forward_log():
        assert played(ours, CapturedStep(ours, graphs), steps) == expected
    assert said == []
    for one, other in zip(state_of(ours), expected_state, strict=True):
        assert torch.equal(one, other)
    assert ours.draw.count == plain.draw.count
    return graphs


# ---- the same numbers


@pytest.mark.parametrize(
    "options",
    [
        dict(),
        dict(reuse_fakes=True),
        dict(reuse_fakes=True, simultaneous=True),
        dict(reuse_fakes=True, simultaneous=True, r1=0.5, r1_every=2, accumulate=2),
        dict(joined=True),
        dict(r1=0.5, r1_every=2),
        dict(r1=0.5, r1_every=3, joined=True, reuse_fakes=True),
        dict(accumulate=2, reuse_fakes=True),
        dict(discriminator_steps=2, generator_batch_size=5),
        dict(evaluate_fakes=True, latent_distribution="uniform"),
        dict(optimizer="adam", learning_rate=0.01),
        dict(optimizer="adam", learning_rate=0.01, schedule="linear"),
        dict(optimizer="adamw", weight_decay=0.1, learning_rate=0.01, warmup=4),
        dict(optimizer="sgd", momentum=0.9, schedule="cosine"),
        dict(optimizer="adam", epsilon_style="keras", learning_rate=0.01),
        dict(optimizer="adamw", weight_decay=0.1, epsilon_style="keras", learning_rate=0.01, schedule="linear"),
        dict(optimizer="rmsprop", epsilon_style="keras", learning_rate=0.01, momentum=0.5, schedule="cosine"),
    ],
    ids=str,
)
def test_captured_steps_are_the_steps_to_the_last_bit(options):
    graphs = compare(lambda: capturable(build(**options)))
    assert graphs.captures >= 1
    assert graphs.replays > 0


def test_a_stand_in_that_froze_a_changing_rate_would_be_noticed():
    """The comparison above holds because the rate lies in a tensor: as a plain number it stays what it was at the capture."""
    plain, ours = build(schedule="linear"), build(schedule="linear")
    assert played(ours, CapturedStep(ours, Replayed(ours))) != played(plain)


def test_the_random_numbers_of_dropout_go_on_from_replay_to_replay():
    def make():
        torch.manual_seed(3)
        g = nn.Sequential(nn.Linear(LATENT, 6), nn.Dropout(), nn.Unflatten(1, (1, 2, 3)))
        return build(networks=(g, nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(6, 1))))

    assert compare(make).replays == STEPS - WARM_UP


class Labelled(nn.Module):
    def __init__(self, network: nn.Module, classes: int, width: int) -> None:
        super().__init__()
        self.network, self.embedded = network, nn.Embedding(classes, width)

    def forward(self, x, labels):
        return self.network(x + self.embedded(labels).reshape(x.shape))


@pytest.mark.parametrize("reuse_fakes", [False, True])
def test_labels_are_drawn_and_played_as_batches_are(reuse_fakes):
    def make():
        torch.manual_seed(4)
        both = Labelled(generator(), 3, LATENT), Labelled(discriminator(), 3, 6)
        return replace(build(networks=both, reuse_fakes=reuse_fakes), classes=3, draw=Feed(8, 3))

    assert compare(make).replays == STEPS - WARM_UP


def test_batch_statistics_are_kept_as_in_the_steps_as_they_are():
    def make():
        g = nn.Sequential(nn.Linear(LATENT, 6), zoo.nn.BatchNormAct(6, "relu"), nn.Unflatten(1, (1, 2, 3)))
        return build(networks=(g, discriminator()))

    compare(make)


# ---- a graph for each pattern of what is due


def test_there_is_a_graph_for_each_pattern_of_what_is_due():
    phases = [Phase("discriminator"), Phase("discriminator", every=3, offset=1), Phase("generator", every=2)]
    graphs = compare(lambda: build(phases, r1=0.5, r1_every=2), steps=48)
    patterns = {pattern(build(phases, r1=0.5, r1_every=2), number) for number in range(48)}
    assert graphs.captures == len(patterns) == 4
    assert graphs.replays == 48 - WARM_UP * len(patterns)


def test_what_a_phase_has_told_stays_as_of_the_last_step_in_which_it_did():
    """A penalty every fourth step is told with the steps between, unharmed by the graphs that are replayed there."""
    step = build(r1=0.5, r1_every=4)
    captured = CapturedStep(step, Replayed(step))
    told = [float(captured.run(number)["r1"]) for number in range(24)]
    assert all(len(set(told[start : start + 4])) == 1 for start in range(0, 24, 4))
    assert len(set(told)) == 6


class Epochs(Feed):
    """Every fifth batch is a smaller one, as at the end of an epoch."""

    def __call__(self):
        images, labels = super().__call__()
        return type(self).batch(images[:3] if self.count % 5 == 0 else images, labels)

    @staticmethod
    def batch(images, labels):
        from zoo.data.loader import Batch

        return Batch(images, labels)


@pytest.mark.parametrize("options", [dict(), dict(accumulate=2), dict(discriminator_steps=3)], ids=str)
def test_an_epochs_smaller_last_batch_is_played_uncaptured_with_what_was_drawn_for_it(options):
    graphs = compare(lambda: replace(build(**options), draw=Epochs(8)), steps=30)
    assert graphs.captures == 1
    assert 0 < graphs.replays < 30 - WARM_UP


# ---- what cannot be captured


def refusing(step, steps: int = STEPS, graphs: Replayed | None = None) -> tuple[list[str], Replayed, list]:
    said: list[str] = []
    graphs = graphs or Replayed(step)
    with Callbacks([Notes(said)]).forward_log():
        told = played(step, CapturedStep(step, graphs), steps)
    return said, graphs, told


def test_a_loss_that_looks_at_the_number_of_the_step_is_played_as_it_is_and_a_line_says_so():
    def loss(turn):
        return turn.default_loss()[0] * (2.0 if turn.number % 5 == 0 else 1.0)

    phases = [Phase("discriminator", loss=loss), Phase("generator")]
    said, graphs, told = refusing(build(phases))
    assert told == played(build(phases))
    assert graphs.captures == 0
    assert said == [
        "--capture: steps are not captured, which makes them slower and changes no number: a loss looks at the number of the step"
    ]


def test_a_loss_that_tells_what_it_has_read_back_is_played_as_it_is():
    def loss(turn):
        value, _ = turn.default_loss()
        return value, {"mine": float(value.detach())}

    phases = [Phase("discriminator", loss=loss), Phase("generator")]
    said, graphs, told = refusing(build(phases))
    assert told == played(build(phases))
    assert (graphs.captures, len(said)) == (0, 1)
    assert "read back from the device" in said[0]


def test_random_numbers_of_the_host_are_noticed(monkeypatch):
    monkeypatch.setattr(CapturedStep, "_on_gpu", True)
    networks = (generator(), nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(6, 1)))
    said, graphs, _ = refusing(build(networks=networks))
    assert (graphs.captures, len(said)) == (0, 1)
    assert "draws random numbers outside of the device" in said[0]


def test_a_loss_that_draws_something_else_each_time_is_played_as_it_is():
    def make():
        count = iter(range(10**6))

        def loss(turn):
            return turn.discriminate(turn.generate(1 + next(count) % 2).images).mean()

        return build([Phase("discriminator"), Phase("generator", loss=loss)])

    said, graphs, told = refusing(make())
    assert told == played(make())
    assert (said, graphs.captures) == ([], 0)


def test_a_capture_that_fails_says_why_once_and_the_run_goes_on_with_the_same_numbers():
    class Broken(Replayed):
        def capture(self, work):
            super().capture(work)
            raise RuntimeError("operation not permitted\nwhen stream is capturing")

    for options in (dict(), dict(r1=0.5, r1_every=2)):
        step = build(**options)
        said, graphs, told = refusing(step, graphs=Broken(step))
        assert told == played(build(**options))
        assert len(said) == 1
        assert "operation not permitted" in said[0]
        assert "\n" not in said[0]
        assert graphs.captures == (2 if options else 1), "once for each pattern"


def test_an_interrupt_during_a_capture_is_none_of_its_failures():
    class Interrupted(Replayed):
        def capture(self, work):
            raise KeyboardInterrupt

    step = build()
    with pytest.raises(KeyboardInterrupt):
        played(step, CapturedStep(step, Interrupted(step)))


@pytest.mark.parametrize(
    ("options", "phases", "device", "message"),
    [
        (dict(), None, "cpu", "--capture is for NVIDIA GPUs, and this run computes on cpu: leave it out"),
        (dict(), None, "mps", "this run computes on mps"),
        (dict(precision="float16"), None, "cuda", "--precision float16 exclude each other.*--precision bfloat16"),
        (dict(), [Phase("discriminator", skip_below=0.1)], "cuda", "skipped while its loss is low.*--skip-below"),
        (
            dict(optimizer="sgd", momentum=0.5, final_momentum=0.7, momentum_steps=9),
            None,
            "cuda",
            "momentum that changes.*--final-momentum",
        ),
    ],
    ids=str,
)
def test_what_can_never_be_captured_is_refused_with_the_way_out(options, phases, device, message):
    phases = phases or [Phase("discriminator"), Phase("generator")]
    with pytest.raises(OptionError, match=message):
        check_capture(zoo.Options(capture=True, **options), phases, torch.device(device))
    check_capture(zoo.Options(**options), phases, torch.device(device))


def test_a_run_that_can_be_captured_is_not_refused():
    check_capture(zoo.Options(capture=True, schedule="linear"), build().phases, torch.device("cuda"))


def test_without_a_gpu_nothing_is_written(images, cli, monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    outcome = cli("train", "dcgan", "--data", images, "--device", "cpu", "--capture", "--out", "run")
    assert outcome.code == 2
    assert outcome.message.startswith("zoo: --capture is for NVIDIA GPUs, and this run computes on cpu")
    assert not Path("run").exists()
    assert not (tmp_path / "cache").exists()


# ---- whole runs


def as_on_a_gpu(build, *arguments, capturable):
    return build(*arguments, capturable=True)


@pytest.fixture
def capturing(monkeypatch):
    """A context in which every run is captured by the stand-in. Optimisers are as on a GPU, within it and outside."""
    monkeypatch.setattr("zoo.engine.build.build_optimizer", partial(as_on_a_gpu, build_optimizer))
    made: list[Replayed] = []

    def run(self, number):
        if self.captured is None:
            made.append(Replayed(self.step))
            self.captured = CapturedStep(self.step, made[-1])
        return self.captured.run(number)

    @contextmanager
    def context() -> Iterator[list[Replayed]]:
        with monkeypatch.context() as patched:
            patched.setattr(TrainingState, "run", run)
            yield made
        assert all(graphs.replays for graphs in made)

    return context


RUNS = {
    "vanilla": ("vanilla", dict()),
    "dcgan with a penalty": ("dcgan", dict(r1=1.0, r1_every=2, ema=0.9)),
    "cgan": ("cgan", dict(reuse_fakes=True)),
    "cgan with dropout": ("cgan", dict(preset="mlp", final_momentum=None, momentum_steps=0, schedule="constant")),
    "lsgan": ("lsgan", dict(accumulate=2)),
    "a smaller last batch": ("dcgan", dict(batch_size=7, drop_remainder=False, order="buffer", flip=True)),
}


def options_of(name: str, more: dict) -> dict:
    return tiny(name, **{"steps": 10, "sample_every": 5, **more})


@pytest.mark.parametrize(("name", "more"), RUNS.values(), ids=RUNS)
def test_a_captured_run_and_its_checkpoints_are_those_of_an_uncaptured_one(images, capturing, name, more):
    options = options_of(name, more)
    plain = zoo.train(name, data=str(images), out="plain", **options)
    with capturing():
        captured = zoo.train(name, data=str(images), out="captured", **options)
    assert run_differences(plain, captured) == []


@pytest.mark.parametrize(
    ("name", "more"), [RUNS["dcgan with a penalty"], RUNS["cgan with dropout"]], ids=["dcgan", "cgan"]
)
@pytest.mark.parametrize("first", [True, False], ids=["captured at first", "captured at last"])
def test_a_run_goes_on_exactly_captured_or_not(images, capturing, name, more, first):
    options = options_of(name, {**more, "steps": 14})
    whole = zoo.train(name, data=str(images), out="whole", **options)
    with capturing() if first else nullcontext():
        zoo.train(name, data=str(images), out="parts", callbacks=[Stop(7)], **options)
    assert zoo.Run("parts").latest()[0] == 7
    with nullcontext() if first else capturing():
        parts = zoo.resume("parts")
    assert run_differences(whole, parts) == []


def test_a_run_that_was_captured_goes_on_where_there_is_no_gpu_and_a_line_says_so(images, cli):
    zoo.train("vanilla", data=str(images), out="run", **tiny("vanilla", steps=2))
    config = Path("run/config.json")
    kept = json.loads(config.read_text())
    kept["options"]["capture"] = True
    config.write_text(json.dumps(kept))
    said: list[str] = []
    assert zoo.resume("run", steps=4, device="cpu", callbacks=[Notes(said)]).latest()[0] == 4
    assert "--capture is for NVIDIA GPUs, and this computes on cpu: the run goes on without it" in said
    assert json.loads(config.read_text())["options"]["capture"] is True
    outcome = cli("resume", "run", "--steps", 5, "--device", "cpu", "--capture", "on")
    assert outcome.code == 2
    assert "--capture is for NVIDIA GPUs" in outcome.message
    assert cli("resume", "run", "--steps", 5, "--device", "cpu", "--capture", "off").code == 0


def test_a_checkpoint_of_optimisers_on_the_device_fits_those_of_the_host_and_back(images):
    """Counts of updates are 0-d tensors in both, and are found again wherever the optimiser keeps them."""
    run = zoo.train("dcgan", data=str(images), out="run", **tiny("dcgan", epsilon_style="keras", schedule="linear"))
    parts = read_state(run.latest()[1]).parts
    kept = [each for role in ("generator", "discriminator") for each in parts[f"optimizer.{role}"]["state"].values()]
    assert kept
    assert all(each["step"].shape == () and each["step"] == 4 for each in kept)


@pytest.mark.parametrize("more", [dict(), dict(weight_decay=0.1), dict(optimizer="adamw", weight_decay=0.1)], ids=str)
def test_kerass_adam_on_the_device_is_kerass_adam(more):
    options = dict(optimizer="adam", epsilon_style="keras", epsilon=1e-3, learning_rate=0.01, schedule="linear")
    host, device = build(**{**options, **more}), capturable(build(**{**options, **more}))
    for one, other in zip(played(device), played(host), strict=True):
        assert one == pytest.approx(other, rel=1e-4)
    device.optimizers["generator"].load_state_dict(host.optimizers["generator"].state_dict())


def test_on_the_host_a_rate_is_a_number_and_on_a_gpu_one_that_changes_is_a_tensor():
    weights = [nn.Parameter(torch.ones(2))]
    kinds = {
        (schedule, on_gpu): type(
            build_optimizer(weights, zoo.Options(schedule=schedule), 0.1, on_gpu).param_groups[0]["lr"]
        )
        for schedule in ("constant", "linear")
        for on_gpu in (False, True)
    }
    assert kinds.pop(("linear", True)) is torch.Tensor
    assert set(kinds.values()) == {float}
    assert CPU.type == "cpu"
