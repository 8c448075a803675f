"""Whole training steps as graphs that are recorded once and replayed (``--capture``).

A step of a small GAN is some hundreds of short kernels, and Python takes longer to start them than they take to run. A CUDA
graph starts all of them at once. It repeats what was recorded, on the memory on which it was recorded. Therefore:

- what a step draws (batches, latents, labels) is drawn before it, in the same order as ever, and copied to where the graph looks;
- there is a graph for each pattern of what is due: phases that come at intervals, penalties that do;
- learning rates and counts of updates lie on the device (`build_optimizer(capturable=True)`);
- random numbers drawn on the device, as dropout does, go on from replay to replay: torch's generator sees to that;
- what a step tells is copied, as its last act, to tensors that no other graph writes to.

The numbers are those of the same steps uncaptured, to the last bit, and so are checkpoints.
"""

from __future__ import annotations

import logging
import random
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
import torch
from torch import Tensor

from zoo.architecture import Phase
from zoo.data.loader import Batch
from zoo.engine.losses import Statistics
from zoo.engine.step import Step, penalty_due
from zoo.errors import OptionError, in_one_line
from zoo.generate.latent.latents import Latents
from zoo.options import Options

log = logging.getLogger(__name__)

WARM_UP = 3
"""How often each pattern is played uncaptured first, while libraries choose their algorithms and optimisers make their states."""

Pattern = tuple[tuple[int, bool], ...]


class Graphs(Protocol):
    """What records and replays: `zoo.engine.graphs.cuda_graphs.CudaGraphs`."""

    def stream(self) -> AbstractContextManager[None]:
        """A block for all that is captured, replayed, or to be captured later."""

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        """Record the work without doing it; what comes back does it."""


def check_capture(options: Options, phases: Sequence[Phase], device: torch.device) -> None:
    """Raise OptionError where ``--capture`` is asked for and cannot be had."""
    if not options.capture:
        return
    if device.type != "cuda":
        raise OptionError(
            f"--capture is for NVIDIA GPUs, and this run computes on {device}: leave it out, "
            "or give --device cuda where there is one"
        )
    if options.precision == "float16":
        raise OptionError(
            "--capture and --precision float16 exclude each other: the scale of the loss is decided outside of the device; "
            "give --precision bfloat16, or leave out --capture"
        )
    if any(phase.skip_below is not None for phase in phases):
        raise OptionError(
            "--capture cannot hold a network that is skipped while its loss is low: each loss is read back for it; "
            "leave out --capture, or what skips (lsgan: --skip-below)"
        )
    for changing in ("final_momentum", "final_beta2"):
        if getattr(options, changing) is not None:
            raise OptionError(
                f"--capture cannot hold a {changing.removeprefix('final_')} that changes; leave out one of --capture and "
                f"--{changing.replace('_', '-')}"
            )


def pattern(step: Step, number: int) -> Pattern:
    """What is due in step `number` (from 0): each phase by its place, and whether its gradient penalty is. Such steps are alike."""
    return tuple(
        (place, penalty_due(step.options, phase, number))
        for place, phase in enumerate(step.phases)
        if phase.due(number)
    )


class Request(NamedTuple):
    """Something that a step draws: a `batch`, `latents` (how many) or `labels` (how many, of how many classes)."""

    what: str
    arguments: tuple[int, ...] = ()


Drawn = tuple[Request, Any]


class Draws:
    """In the place of a step's `draw` and `latents`: notes what is asked for, and gives what was drawn ahead of it first."""

    def __init__(self, draw: Callable[[Request], Any], ahead: Sequence[Drawn] = ()) -> None:
        self._draw = draw
        self._ahead = deque(ahead)
        self.all: list[Drawn] = []

    @property
    def asked(self) -> list[Request]:
        """What has been asked for so far."""
        return [request for request, _ in self.all]

    def batch(self) -> Batch:
        """As `Step.draw`."""
        return cast(Batch, self._next(Request("batch")))

    def draw(self, count: int) -> Tensor:
        """As `Latents.draw`."""
        return cast(Tensor, self._next(Request("latents", (count,))))

    def labels(self, count: int, classes: int) -> Tensor:
        """As `Latents.labels`."""
        return cast(Tensor, self._next(Request("labels", (count, classes))))

    def _next(self, request: Request) -> Any:
        if not self._ahead:
            drawn = self._draw(request)
        else:
            expected, drawn = self._ahead.popleft()
            if expected != request:
                raise _unsteady()
        self.all.append((request, drawn))
        return drawn


@dataclass
class CapturedPattern:
    """The steps of one pattern: what was noted of them uncaptured, and the graph."""

    asked: list[Request] = field(default_factory=list)
    """What such a step draws, in its order."""
    seen: int = 0
    """How many of them in a row have drawn that."""
    statistics: Statistics = field(default_factory=dict)
    """What such a step tells; once captured, where it tells it."""
    buffers: list[Drawn] = field(default_factory=list)
    """Where the graph looks for what was drawn."""
    replay: Callable[[], None] | None = None
    refused: bool = False
    """Such steps are not captured, for a reason that was said."""

    @torch.no_grad()
    def fill(self, drawn: Sequence[Drawn]) -> None:
        """Copy what was drawn to where the graph looks for it."""
        if not self.buffers:
            self.buffers = [(request, _each(torch.empty_like, value)) for request, value in drawn]
        for (_, buffer), (_, value) in zip(self.buffers, drawn, strict=True):
            for ours, theirs in zip(_tensors(buffer), _tensors(value), strict=True):
                ours.copy_(theirs, non_blocking=True)

    def played(self) -> list[Drawn]:
        """The buffers as tensors of their own: a step may ask for a gradient of its images."""
        return [(request, _each(Tensor.detach, buffer)) for request, buffer in self.buffers]


class CapturedStep:
    """Runs the steps of a `Step` as graphs where it can, and as they are where it cannot.

    A line is logged where steps that were to be captured are not, which costs nothing but the time it would have saved.
    """

    def __init__(self, step: Step, graphs: Graphs) -> None:
        self.step = step
        self._graphs = graphs
        self._patterns: dict[Pattern, CapturedPattern] = {}

    def run(self, number: int) -> Statistics:
        """As `Step.run`; what it returns may hold the numbers of a later step once that has run."""
        with self._graphs.stream():
            captured = self._patterns.setdefault(pattern(self.step, number), CapturedPattern())
            if captured.refused or captured.seen < WARM_UP:
                return self._uncaptured(captured, number)
            drawn = self._draw_ahead(captured)
            if len(drawn) < len(captured.asked) or not self._whole(drawn):  # an epoch's smaller last batch
                return self._uncaptured(captured, number, drawn)
            captured.fill(drawn)
            if captured.replay is None and not self._capture(captured, number):
                return self._uncaptured(captured, number, drawn)
            assert captured.replay is not None
            captured.replay()
            return self._latest(captured.statistics)

    def _uncaptured(self, captured: CapturedPattern, number: int, ahead: Sequence[Drawn] = ()) -> Statistics:
        """Play the step as it is, with what was drawn ahead of it, and note what a graph of such steps would need."""
        draws = Draws(self._draw, ahead)
        view = _view(self.step, draws)
        noting = not captured.refused and captured.replay is None
        host = _host_randomness() if noting and self._on_gpu else None
        statistics = view.run(number)
        if noting and self._whole(draws.all):
            captured.seen = captured.seen + 1 if draws.asked == captured.asked else 1
            captured.asked, captured.statistics = draws.asked, statistics
            if view.number_asked:
                self._refuse(captured, "a loss looks at the number of the step")
            elif host is not None and host != _host_randomness():
                self._refuse(captured, "a network or a loss draws random numbers outside of the device")
            elif not all(
                isinstance(value, Tensor) and value.device.type == self._device for value in statistics.values()
            ):
                self._refuse(captured, "a loss tells numbers that it has read back from the device")
        return self._latest(statistics)

    def _latest(self, statistics: Statistics) -> Statistics:
        self.step.latest |= statistics
        return dict(self.step.latest)

    def _draw(self, request: Request) -> Any:
        if request.what == "batch":
            return self.step.draw()
        draw = self.step.latents.draw if request.what == "latents" else self.step.latents.labels
        return draw(*request.arguments)

    def _draw_ahead(self, captured: CapturedPattern) -> list[Drawn]:
        """What such a step draws, up to the first batch that is smaller than usual: what follows is drawn by its size."""
        drawn: list[Drawn] = []
        for request in captured.asked:
            drawn.append((request, self._draw(request)))
            if not self._whole(drawn[-1:]):
                break
        return drawn

    def _whole(self, drawn: Sequence[Drawn]) -> bool:
        return all(
            len(value.images) == self.step.options.batch_size for request, value in drawn if request.what == "batch"
        )

    def _capture(self, captured: CapturedPattern, number: int) -> bool:
        """Make the pattern's graph. Where that fails, say why and return False."""
        captured.statistics = {name: torch.empty_like(value).detach() for name, value in captured.statistics.items()}

        def work() -> None:
            draws = Draws(_nothing_more, captured.played())
            statistics = _view(self.step, draws).run(number)
            if draws.asked != captured.asked or statistics.keys() != captured.statistics.keys():
                raise _unsteady()
            with torch.no_grad():
                for name, value in captured.statistics.items():
                    value.copy_(statistics[name])

        try:
            captured.replay = self._graphs.capture(work)
        except Exception as error:  # whatever it is: uncaptured the step works, or says itself what is wrong with it
            self._refuse(captured, in_one_line(error))
        return captured.replay is not None

    def _refuse(self, captured: CapturedPattern, why: str) -> None:
        said = any(other.refused for other in self._patterns.values())
        captured.refused, captured.buffers, captured.statistics = True, [], {}
        if not said:
            log.warning("--capture: steps are not captured, which makes them slower and changes no number: %s", why)

    @property
    def _device(self) -> str:
        return self.step.latents.device.type

    @property
    def _on_gpu(self) -> bool:
        return self._device == "cuda"


def _host_randomness() -> tuple[bytes, object, str]:
    """Where the host's generators are: torch's, Python's and NumPy's."""
    return torch.get_rng_state().numpy().tobytes(), random.getstate(), repr(np.random.get_state())


def _view(step: Step, draws: Draws) -> Step:
    """The same step, which draws from elsewhere and keeps for itself what it has told."""
    return replace(step, draw=draws.batch, latents=cast(Latents, draws), latest={})


def _nothing_more(request: Request) -> Any:
    raise _unsteady()


def _unsteady() -> RuntimeError:
    return RuntimeError("a loss draws or tells something else each time")


def _tensors(drawn: Any) -> list[Tensor]:
    """Those of a batch, or the one."""
    return [drawn] if isinstance(drawn, Tensor) else [tensor for tensor in drawn if tensor is not None]


def _each(function: Callable[[Tensor], Tensor], drawn: Any) -> Any:
    """The same of a batch, or of one tensor, with the function applied."""
    if isinstance(drawn, Tensor):
        return function(drawn)
    return Batch(*(None if tensor is None else function(tensor) for tensor in drawn))  # type: ignore[arg-type]
