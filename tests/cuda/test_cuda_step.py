"""Whole steps on a GPU: captured or not the same numbers, to the last bit; nothing waits for the device; batches come meanwhile."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
import torch
from cuda_cases import synchronization_forbidden
from support import Notes, Stop, state_of, tiny

import zoo
from zoo.callback import Callback
from zoo.engine.graphs.cuda_graphs import CudaGraphs
from zoo.testing.comparing import run_differences

DEVICE = "cuda"

RUNS = {
    "vanilla": ("vanilla", dict(ema=0.9)),
    "dcgan": ("dcgan", dict()),
    "dcgan with a penalty": ("dcgan", dict(r1=1.0, r1_every=2, ema=0.9)),
    "dcgan, a schedule": ("dcgan", dict(schedule="cosine", warmup=3)),
    "dcgan, bfloat16": ("dcgan", dict(precision="bfloat16")),
    "dcgan, a smaller last batch": ("dcgan", dict(batch_size=7, drop_remainder=False, order="buffer", flip=True)),
    "dcgan, accumulated": ("dcgan", dict(accumulate=2, reuse_fakes=True)),
    "dcgan, simultaneous": ("dcgan", dict(simultaneous=True, reuse_fakes=True)),
    "dcgan, seldom logged": ("dcgan", dict(log_every=4, discriminator_steps=2)),
    "dcgan, adamw": ("dcgan", dict(optimizer="adamw", weight_decay=0.1, schedule="linear")),
    "dcgan, rmsprop": ("dcgan", dict(optimizer="rmsprop", schedule="linear")),
    "dcgan, sgd": ("dcgan", dict(optimizer="sgd", momentum=0.5, schedule="linear")),
    "dcgan, Keras' adam": ("dcgan", dict(epsilon_style="keras", schedule="linear")),
    "dcgan, Keras' rmsprop": ("dcgan", dict(epsilon_style="keras", optimizer="rmsprop", schedule="linear")),
    "cgan": ("cgan", dict(ema=0.9)),
    "cgan with dropout": ("cgan", dict(preset="mlp", final_momentum=None, momentum_steps=0)),
    "lsgan": ("lsgan", dict()),
}


@pytest.fixture
def replays(monkeypatch):
    """How often a graph was replayed: a list that grows by one each time."""
    found: list[int] = []
    capture = CudaGraphs.capture

    def counted(self, work):
        replay = capture(self, work)

        def call() -> None:
            found.append(1)
            replay()

        return call

    monkeypatch.setattr(CudaGraphs, "capture", counted)
    return found


def options_of(name: str, more: dict, steps: int = 12) -> dict:
    return tiny(name, **{"steps": steps, "sample_every": 6, "device": DEVICE, "deterministic": True, **more})


@pytest.mark.parametrize(("name", "more"), RUNS.values(), ids=RUNS)
def test_a_captured_run_is_the_same_run_to_the_last_bit(images, replays, name, more):
    said: list[str] = []
    plain = zoo.train(name, data=str(images), out="plain", **options_of(name, more))
    again = zoo.train(name, data=str(images), out="again", **options_of(name, more))
    assert run_differences(plain, again) == [], "else nothing can be said about captured runs here"
    assert replays == []
    captured = zoo.train(
        name, data=str(images), out="captured", capture=True, callbacks=[Notes(said)], **options_of(name, more)
    )
    assert [line for line in said if "capture" in line] == []
    assert len(replays) >= 3
    assert run_differences(plain, captured) == []


@pytest.mark.parametrize("name", ["dcgan with a penalty", "dcgan, Keras' adam", "cgan with dropout", "dcgan, rmsprop"])
@pytest.mark.parametrize("first", [True, False], ids=["captured at first", "captured at last"])
def test_a_run_goes_on_exactly_captured_or_not(images, replays, name, first):
    architecture, more = RUNS[name]
    options = options_of(architecture, more, steps=24)
    whole = zoo.train(architecture, data=str(images), out="whole", **options)
    zoo.train(architecture, data=str(images), out="parts", capture=first, callbacks=[Stop(12)], **options)
    assert zoo.Run("parts").latest()[0] == 12
    assert bool(replays) == first
    before = len(replays)
    parts = zoo.resume("parts", capture=not first)
    assert (len(replays) > before) != first
    assert run_differences(whole, parts) == []


READS_BACK = """
from torch import nn
import zoo

def loss(turn):
    value, told = turn.default_loss()
    return (value * 2 if float(value.detach()) > 0.5 else value), told

class ReadsBack(zoo.Architecture):
    '''Looks at its loss on the host, which no graph can hold, and draws random numbers.'''
    name = "reads-back"
    def generator(self, options, data):
        return nn.Sequential(nn.Linear(options.latent, data.numel), nn.Dropout(), nn.Unflatten(1, data.shape), nn.Tanh())
    def discriminator(self, options, data):
        return nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(data.numel, 1))
    def phases(self, options):
        return [zoo.Phase("discriminator", loss=loss), zoo.Phase("generator")]

@zoo.hookimpl
def zoo_register_architectures(register):
    register(ReadsBack)
"""


def test_a_capture_that_fails_says_why_once_and_the_run_goes_on_with_the_same_numbers(images, install, replays):
    install(READS_BACK, "zoo_reads_back")
    said: list[str] = []
    options = options_of("reads-back", dict())
    plain = zoo.train("reads-back", data=str(images), out="plain", **options)
    captured = zoo.train(
        "reads-back", data=str(images), out="captured", capture=True, callbacks=[Notes(said)], **options
    )
    assert len([line for line in said if line.startswith("--capture: steps are not captured")]) == 1
    assert replays == []
    assert run_differences(plain, captured) == []


class Strict(Callback):
    """Lets torch refuse whatever waits for the device, from after one step to after another."""

    def __init__(self, first: int, last: int) -> None:
        self.first, self.last = first, last
        self._refused = ExitStack()

    def on_step(self, step):
        if step == self.first:
            self._refused.enter_context(synchronization_forbidden())
        if step == self.last:
            self.end()

    def end(self) -> None:
        self._refused.close()


@pytest.mark.parametrize("capture", [False, True], ids=["uncaptured", "captured"])
@pytest.mark.parametrize(("name", "more"), RUNS.values(), ids=RUNS)
def test_nothing_waits_for_the_device_between_logged_steps(images, name, more, capture):
    # From step 16 on: by then each pattern of what is due is captured.
    seldom = dict(log_every=100, sample_every=100, checkpoint_every=100, deterministic=False, capture=capture)
    options = options_of(name, {**more, **seldom}, steps=26)
    strict = Strict(16, 24)
    try:
        zoo.train(name, data=str(images), out="run", callbacks=[strict], **options)
    finally:
        strict.end()


def made(images, **more):
    return state_of("cgan", images, **tiny("cgan", device=DEVICE, **more))


BUSY = 2_000_000_000
"""Clock cycles of a GPU that is at work: about a second."""


def test_a_batch_is_copied_while_the_steps_before_it_are_at_work(images):
    batches = made(images).batches
    batches()  # what is set up at first has been
    torch.cuda.synchronize()
    torch.cuda._sleep(BUSY)
    batches()
    batches._copies.synchronize()
    assert not torch.cuda.current_stream().query(), "the copy is there, and the work before it goes on"
    batches.close()


def test_batches_arrive_whole_however_far_ahead_the_host_is(images):
    batches, found = made(images, batch_size=5).batches, []
    for number in range(20):
        if number % 5 == 0:
            torch.cuda._sleep(BUSY // 20)
        batch = batches()
        found.append((batch.images.double().sum(), batch.labels.double().sum()))
        del batch  # whose memory the next ones may take
    batches.close()
    for number, (pixels, labels) in enumerate(found):
        expected = batches.loader.batch(number)
        torch.testing.assert_close(pixels.cpu(), expected.images.double().sum())
        assert int(labels) == int(expected.labels.sum())


def test_the_host_is_never_far_ahead(images):
    """Else a training that is seldom logged would pile up batches in memory."""
    batches = made(images, batch_size=5).batches
    for _ in range(6):
        batches()
        assert len(batches._events) <= 2
    batches.close()
