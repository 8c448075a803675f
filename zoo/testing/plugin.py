"""The pytest plugin: a test of each promise of an architecture.

    import pytest

    @pytest.mark.zoo_architecture("my-gan", width=16)   # options, and preset=…, as zoo.train takes them
    def test_my_gan_keeps(promise):
        promise.check()

It imports nothing of zoo until a test asks for `promise`, and no torch until one runs. Collecting such a test loads the
plugins, as `zoo list` does, to see that the architecture, its preset and its options are there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from zoo.testing.subject import Subject

MARKER = "zoo_architecture"
HELP = (
    f"{MARKER}(name, preset=None, **options): the architecture whose promises the fixture `promise` stands for, one test each; "
    "given several times, those of each"
)


_PASSED = pytest.StashKey[bool]()


class PromiseOf:
    """One promise of one architecture, as a test meets it."""

    def __init__(self, architecture: str, name: str, subject: Callable[[], Subject]) -> None:
        self.architecture = architecture
        self.name = name
        self.checked = False
        self._subject = subject

    def check(self) -> None:
        """Check it: the test fails where it is broken, and is skipped, with the reason, where it is not checked."""
        __tracebackhide__ = True
        from zoo.errors import ZooError
        from zoo.testing.kit import PROMISES

        self.checked = True
        try:
            outcome = PROMISES[self.name].outcome(self._subject())
        except ZooError as error:  # what does not fit only once networks are there, or a machine that failed
            pytest.fail(str(error), pytrace=False)
        if outcome.broken is not None:
            pytest.fail(str(outcome), pytrace=False)
        if outcome.state == "not checked":
            pytest.skip(f"not checked: {outcome.reason}")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", HELP)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each promise of each architecture that it is marked with; an error where a mark does not fit."""
    marks = list(metafunc.definition.iter_markers(MARKER))
    if "promise" not in metafunc.fixturenames:
        # A mark on a module or a class is for those of its tests that do.
        if any(mark.name == MARKER for mark in metafunc.definition.own_markers):
            raise _error(
                metafunc, f"has the marker {MARKER}, but does not take the fixture `promise`: add it as a parameter"
            )
        return
    if not marks:
        return
    from zoo.errors import ZooError
    from zoo.testing.kit import PROMISES
    from zoo.testing.subject import must_fit

    cases, ids = [], []
    for mark in marks:
        if len(mark.args) != 1:
            raise _error(
                metafunc,
                f'@pytest.mark.{MARKER} takes the name of an architecture, as in {MARKER}("my-gan", width=16); given {mark.args}',
            )
        try:
            must_fit(mark.args[0], **mark.kwargs)
        except ZooError as error:
            raise _error(metafunc, str(error)) from None
        title = "-".join(str(part) for part in (mark.args[0], mark.kwargs.get("preset")) if part)
        for promise in PROMISES:
            cases.append((mark.args[0], mark.kwargs, promise))
            ids.append(promise if len(marks) == 1 else f"{title}-{promise}")
    metafunc.parametrize("promise", cases, ids=ids, indirect=True)


def _error(metafunc: pytest.Metafunc, what: str) -> Exception:
    """What pytest shows as it is, without a traceback, as the error of the file that it collects."""
    return pytest.Collector.CollectError(f"{metafunc.definition.nodeid}: {what}")


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Note that a test has passed."""
    if call.when == "call":
        item.stash[_PASSED] = call.excinfo is None


@pytest.fixture(scope="session")
def _zoo_subjects() -> Iterator[Callable[..., Subject]]:
    """The architectures under check, each made once for all of its promises."""
    made: dict[str, Subject] = {}
    with ExitStack() as stack:

        def subject(name: str, options: dict[str, Any]) -> Subject:
            from zoo.testing.subject import Subject

            key = repr((name, sorted(options.items())))
            if key not in made:
                made[key] = stack.enter_context(Subject(name, **options))
            return made[key]

        yield subject


@pytest.fixture
def promise(request: pytest.FixtureRequest, _zoo_subjects: Callable[..., Subject]) -> Iterator[PromiseOf]:
    """A promise of the architecture that the test is marked with: call its `check()`. A test that passes without is an error."""
    if not hasattr(request, "param"):
        pytest.fail(
            f'the fixture promise needs the name of an architecture: @pytest.mark.{MARKER}("my-gan") above the test',
            pytrace=False,
        )
    name, options, promised = request.param
    it = PromiseOf(name, promised, lambda: _zoo_subjects(name, options))
    yield it
    if request.node.stash.get(_PASSED, False) and not it.checked:
        pytest.fail(f"the promise {promised!r} of {name} was not checked: call promise.check()", pytrace=False)
