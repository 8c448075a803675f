"""Shared by all tests: a cache and a working directory of their own, the command line, plugins to install."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from support import Outcome, tiny, write_distribution, write_images

import zoo
from zoo.plugins.registry import registry

torch.set_num_threads(1)  # the networks are tiny: a second thread costs more than it gives


@pytest.hookimpl(tryfirst=True)  # before those that -m leaves out are left out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What the kit checks of an architecture under torch.compile starts a compiler."""
    for item in items:
        if item.get_closest_marker("zoo_architecture") is not None and item.name.rstrip("]").endswith("compiled"):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def compiler() -> None:
    """Skips where torch.compile does not work. A fixture, as finding that out starts a compiler: not while tests are collected."""
    from zoo.system.compiling import obstacle

    reason = obstacle()
    if reason is not None:
        pytest.skip(f"torch.compile does not work here: {reason}")


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of the whole session: the same small data is prepared once."""
    return tmp_path_factory.mktemp("shared-cache")


@pytest.fixture(autouse=True)
def _own_places(shared_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the person's cache or the folder that pytest was started in, or depends on how wide a screen is."""
    monkeypatch.setenv("ZOO_CACHE", str(shared_cache))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("ZOO_PLUGINS", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _survives_signals() -> Iterator[None]:
    """A training that is told to stop hands the signal on (`zoo.engine.runtime.interrupt`), which is not to end the tests."""
    names = [name for name in ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGXCPU") if hasattr(signal, name)]
    former = {number: signal.signal(number, _nothing) for number in (getattr(signal, name) for name in names)}
    yield
    for number, handler in former.items():
        signal.signal(number, handler)


def _nothing(number: int, frame: object) -> None:
    """Handle a signal."""


@pytest.fixture(scope="session")
def four_checkpoints(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with checkpoints of steps 1 to 4: copy it before anything is changed."""
    out = tmp_path_factory.mktemp("finished") / "run"
    return zoo.train("dcgan", data=str(images), out=out, **tiny("dcgan", checkpoint_every=1, keep_checkpoints=9)).path


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-four grey 8×8 images of three classes, as a .npz file."""
    return write_images(tmp_path_factory.mktemp("images") / "images.npz")


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Runs a command in this process: ``cli("train", "dcgan")``."""
    from zoo.cli import run

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        try:
            code = run([str(argument) for argument in arguments])
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call


@pytest.fixture
def fresh_registry() -> Iterator[Callable[[], None]]:
    """The registry is loaded anew: what it knew is forgotten now, whenever this is called, and after the test."""
    registry.cache_clear()
    yield registry.cache_clear
    registry.cache_clear()


@pytest.fixture
def install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_registry: Callable[[], None]
) -> Iterator[Callable[..., None]]:
    """Installs a third-party plugin, for this process and those it starts: ``install(source, module)``."""
    place = tmp_path / "site-packages"
    place.mkdir()
    monkeypatch.syspath_prepend(str(place))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(place), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    installed = []

    def put(source: str, module: str, **more: str) -> None:
        write_distribution(place, source, module, **more)
        installed.append(module)
        importlib.invalidate_caches()
        fresh_registry()

    yield put
    for module in installed:
        sys.modules.pop(module, None)
