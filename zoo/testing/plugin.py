"""The pytest plugin: a test of each check of an architecture.

    import pytest

    @pytest.mark.zoo_architecture("my-gan", width=16)   # options, and preset=…, as zoo.train takes them
    def test_my_gan(zoo_check):
        zoo_check.run()

It imports nothing of zoo until a test asks for `zoo_check`, and no torch until one runs. Collecting such a test loads the
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
FIXTURE = "zoo_check"
DEPRECATED = "promise"
"""What the fixture was called in version 1.0 of the plugin API."""
HELP = (
    f"{MARKER}(name, preset=None, **options): the architecture whose checks the fixture `zoo_check` stands for, one test each; "
    "given several times, those of each"
)


_PASSED = pytest.StashKey[bool]()


class CheckOf:
    """One check of one architecture, as a test meets it."""

    def __init__(self, architecture: str, name: str, subject: Callable[[], Subject]) -> None:
        self.architecture = architecture
        self.name = name
        self.has_run = False
        self._subject = subject

    def run(self) -> None:
        """Run it: the test fails where it fails, and is skipped, with the reason, where it is skipped."""
        __tracebackhide__ = True
        from zoo.errors import ZooError
        from zoo.testing.kit import CHECKS

        self.has_run = True
        try:
            outcome = CHECKS[self.name].run(self._subject())
        except ZooError as error:  # what does not fit only once networks are there, or a machine that failed
            pytest.fail(str(error), pytrace=False)
        if outcome.failure is not None:
            pytest.fail(str(outcome), pytrace=False)
        if outcome.state == "skipped":
            pytest.skip(outcome.reason)

    def check(self) -> None:
        """Deprecated: `run`."""
        __tracebackhide__ = True
        from zoo.deprecated import warn_deprecated

        warn_deprecated("zoo_check.check()")
        self.run()


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", HELP)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each check of each architecture that it is marked with; an error where a mark does not fit."""
    marks = list(metafunc.definition.iter_markers(MARKER))
    fixture = next((name for name in (FIXTURE, DEPRECATED) if name in metafunc.fixturenames), None)
    if fixture is None:
        # A mark on a module or a class is for those of its tests that do.
        if any(mark.name == MARKER for mark in metafunc.definition.own_markers):
            raise _error(
                metafunc, f"has the marker {MARKER}, but does not take the fixture `zoo_check`: add it as a parameter"
            )
        return
    if not marks:
        return
    from zoo.errors import ZooError
    from zoo.testing.kit import CHECKS
    from zoo.testing.options import must_fit

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
        for check in CHECKS:
            cases.append((mark.args[0], mark.kwargs, check))
            ids.append(check if len(marks) == 1 else f"{title}-{check}")
    metafunc.parametrize(fixture, cases, ids=ids, indirect=True)


def _error(metafunc: pytest.Metafunc, what: str) -> Exception:
    """What pytest shows as it is, without a traceback, as the error of the file that it collects."""
    return pytest.Collector.CollectError(f"{metafunc.definition.nodeid}: {what}")


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Note that a test has passed."""
    if call.when == "call":
        item.stash[_PASSED] = call.excinfo is None


@pytest.fixture(scope="session")
def _zoo_subjects() -> Iterator[Callable[..., Subject]]:
    """The architectures under check, each made once for all of its checks."""
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
def zoo_check(request: pytest.FixtureRequest, _zoo_subjects: Callable[..., Subject]) -> Iterator[CheckOf]:
    """A check of the architecture that the test is marked with: call its `run()`. A test that passes without is an error."""
    yield from _check(request, _zoo_subjects, FIXTURE)


@pytest.fixture
def promise(request: pytest.FixtureRequest, _zoo_subjects: Callable[..., Subject]) -> Iterator[CheckOf]:
    """Deprecated: `zoo_check`."""
    from zoo.deprecated import warn_deprecated

    warn_deprecated("the fixture promise", request.node.nodeid)
    yield from _check(request, _zoo_subjects, DEPRECATED)


def _check(request: pytest.FixtureRequest, subjects: Callable[..., Subject], fixture: str) -> Iterator[CheckOf]:
    if not hasattr(request, "param"):
        pytest.fail(
            f'the fixture {fixture} needs the name of an architecture: @pytest.mark.{MARKER}("my-gan") above the test',
            pytrace=False,
        )
    name, options, chosen = request.param
    it = CheckOf(name, chosen, lambda: subjects(name, options))
    yield it
    if request.node.stash.get(_PASSED, False) and not it.has_run:
        pytest.fail(f"the check {chosen!r} of {name} has not run: call {fixture}.run()", pytrace=False)
