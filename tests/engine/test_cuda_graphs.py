"""What zoo asks of torch.cuda, in what order, with made-up streams and graphs: where there is no GPU, no more can be told."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import torch

from zoo.data.loader import Batch
from zoo.engine.batches import Batches
from zoo.engine.graphs.cuda_graphs import CudaGraphs

CUDA = torch.device("cuda:0")


class Device:
    """Streams, events and graphs that note what happens to them."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.streams = 0
        self.broken_ends = False

    def stream(self, device=None):
        names = ["work", "side"]
        made = Stream(self, names[self.streams])
        self.streams += 1
        return made


class Stream:
    device = CUDA

    def __init__(self, owner: Device, name: str) -> None:
        self.owner, self.name = owner, name

    def wait_stream(self, other):
        self.owner.notes.append(f"{self.name} waits for {other.name}")

    def record_event(self, event):
        self.owner.notes.append(f"mark on {self.name}")
        return event


class Event:
    def __init__(self, owner: Device, blocking: bool) -> None:
        assert blocking, "the thread that prepares batches needs the processor meanwhile"
        self.owner = owner

    def synchronize(self):
        self.owner.notes.append("the host waits for a mark")


@pytest.fixture
def device(monkeypatch):
    made = Device()
    around = made.stream()

    class Graph:
        def replay(self):
            made.notes.append("replay")

    @contextmanager
    def on(stream):
        made.notes.append(f"on {stream.name}")
        yield
        made.notes.append(f"off {stream.name}")

    @contextmanager
    def capturing(graph, pool=None, stream=None, capture_error_mode="global"):
        assert capture_error_mode == "thread_local", "another thread takes page-locked memory meanwhile"
        made.notes.append(f"capture on {stream.name}" + (" in the pool" if pool else ""))
        try:
            yield
        finally:
            made.notes.append("end")
            if made.broken_ends:
                made.broken_ends = False
                raise RuntimeError("operation failed due to a previous error during capture")

    monkeypatch.setattr(torch.cuda, "Stream", made.stream)
    monkeypatch.setattr(torch.cuda, "Event", lambda blocking: Event(made, blocking))
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: (0, 1))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device=None: around)
    monkeypatch.setattr(torch.cuda, "stream", on)
    monkeypatch.setattr(torch.cuda, "graph", capturing)
    return made


def test_work_is_captured_on_a_stream_of_its_own_after_all_before_it_and_before_all_behind_it(device):
    graphs = CudaGraphs(CUDA)
    with graphs.stream():
        replay = graphs.capture(lambda: device.notes.append("the work"))
        replay()
    assert device.notes == [
        "side waits for work", "on side", "capture on side in the pool", "the work", "end", "replay", "off side",
        "work waits for side",
    ]  # fmt: skip


@pytest.mark.parametrize("broken_ends", [False, True])
def test_a_capture_that_fails_tells_the_reason_and_is_followed_by_one_that_ends_well(device, broken_ends):
    def work():
        raise ValueError("the reason")

    device.broken_ends = broken_ends
    with pytest.raises(ValueError, match="the reason") as caught:
        CudaGraphs(CUDA).capture(work)
    assert caught.value.__suppress_context__
    assert device.notes == ["capture on side in the pool", "end", "capture on side", "end"]


def test_a_capture_that_cannot_be_ended_tells_that(device):
    device.broken_ends = True
    with pytest.raises(RuntimeError, match="operation failed"):
        CudaGraphs(CUDA).capture(lambda: None)


class Loader:
    """A loader of five batches."""

    def stream(self, start):
        return iter([Batch(torch.full((2, 1), float(number)), torch.zeros(2)) for number in range(start, 5)])


def test_batches_are_copied_beside_the_work_and_the_host_is_two_ahead_at_most(device, monkeypatch):
    batches = Batches(Loader(), CUDA)
    monkeypatch.setattr(batches, "_moved", lambda batch: device.notes.append("copy") or batch)
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda self, s: device.notes.append(f"kept for {s.name}"))
    first = ["mark on work", "on side", "copy", "off side", "work waits for side", "kept for work", "kept for work"]
    for number in range(4):
        assert float(batches().images[0]) == number
        expected = [*first[:1], *(["the host waits for a mark"] if number >= 2 else []), *first[1:]]
        assert device.notes == expected
        device.notes.clear()
    assert batches.drawn == 4


def test_the_host_may_be_ahead_by_the_batches_of_a_step(device, monkeypatch):
    batches = Batches(Loader(), CUDA, ahead=4)
    monkeypatch.setattr(batches, "_moved", lambda batch: batch)
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda self, stream: None)
    for _ in range(4):
        batches()
    assert "the host waits for a mark" not in device.notes
    batches()
    assert device.notes.count("the host waits for a mark") == 1


def test_without_a_gpu_batches_are_handed_on_as_they_are():
    batches = Batches(Loader(), torch.device("cpu"))
    assert float(batches().images[0]) == 0


def test_after_a_capture_that_failed_its_memory_is_given_up_and_the_next_has_a_pool_of_its_own(device, monkeypatch):
    pools = iter(["first", "second"])
    ended = []
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: next(pools))
    monkeypatch.setattr(torch._C, "_cuda_endAllocateToPool", lambda index, pool: ended.append(pool), raising=False)

    def work():
        raise ValueError("the reason")

    graphs = CudaGraphs(CUDA)
    with pytest.raises(ValueError, match="the reason"):
        graphs.capture(work)
    assert ended == ["first"]
    assert graphs._pool == "second"
    assert len(graphs._failed) == 1, "which page-locked memory goes on asking"
