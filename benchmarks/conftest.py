"""The benchmarks under pytest-benchmark, which saves and compares runs: ``pytest benchmarks --benchmark-autosave``.

``zoo bench`` measures the same. The contenders of a workload are measured together, in interleaved rounds (`zoo.bench.measure`);
each test then hands one contender's rounds to pytest-benchmark, whose groups put them side by side.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # before torch: its profiler writes lines of its own otherwise

import torch

from zoo.bench.measure import Effort
from zoo.bench.workloads import chosen
from zoo.engine.runtime.device import choose_device
from zoo.engine.runtime.memory import keep_freed_memory


class Recorded:
    """A clock that moves by what was measured before, so that pytest-benchmark sees those rounds."""

    def __init__(self) -> None:
        self._now = 0.0
        self._rounds: Iterator[float] = iter(())

    def __call__(self) -> float:
        return self._now

    def play(self, benchmark, rounds: list[float]) -> None:
        """Give these rounds to a `benchmark` that reads this clock."""
        self._rounds = iter(rounds)
        benchmark.pedantic(self._advance, rounds=len(rounds))

    def _advance(self) -> None:
        self._now += next(self._rounds)


CLOCK = Recorded()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.addoption("--quick", action="store_true", help="tiny inputs, a few rounds, no torch.compile")
    parser.addoption("--threads", type=int, help="threads that torch may use")


def pytest_configure(config: pytest.Config) -> None:
    if threads := config.getoption("--threads"):
        torch.set_num_threads(threads)
    keep_freed_memory()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.benchmark(timer=CLOCK))
        item.add_marker(pytest.mark.filterwarnings("default"))  # torch.compile warns of what is none of our business


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "workload" in metafunc.fixturenames:
        gpu = choose_device(metafunc.config.getoption("--device")).type == "cuda"
        workloads = chosen(None, quick=metafunc.config.getoption("--quick"), gpu=gpu)
        metafunc.parametrize("workload", workloads, ids=lambda w: w.name, scope="session")


@pytest.fixture(scope="session")
def quick(request: pytest.FixtureRequest) -> bool:
    return request.config.getoption("--quick")


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest) -> torch.device:
    return choose_device(request.config.getoption("--device"))


@pytest.fixture(scope="session")
def effort(quick: bool) -> Effort:
    return Effort.quick() if quick else Effort()


@pytest.fixture
def report(benchmark) -> Callable[..., None]:
    """Hands a contender's rounds to pytest-benchmark; skips one that could not be measured, with the reason."""

    def give(row, contender: str, group: str, **facts: object) -> None:
        if contender not in row.rounds:
            pytest.skip(row.absent.get(contender, f"there is no {contender} for this"))
        benchmark.group = group
        benchmark.extra_info.update({"served_by": row.served_by, "times_ours": row.ratios.get(contender, 1.0), **facts})
        CLOCK.play(benchmark, row.rounds[contender])

    return give
