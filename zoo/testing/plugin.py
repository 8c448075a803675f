"""The pytest plugin: a test of each promise of an architecture.

    import pytest

    @pytest.mark.zoo_architecture("my-gan", width=16)   # options, and preset=…, as zoo.train takes them
    def test_my_gan_keeps(promise):
        promise.check()

It imports nothing of zoo until a test asks for `promise`, and no torch until one runs.
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


class PromiseOf:
    """One promise of one architecture, as a test meets it."""

    def __init__(self, architecture: str, name: str, subject: Callable[[], Subject]) -> None:
        self.architecture = architecture
        self.name = name
        self._subject = subject

    def check(self) -> None:
        """Check it: the test fails where it is broken, and is skipped, with the reason, where it is not checked."""
        __tracebackhide__ = True
        from zoo.errors import ZooError
        from zoo.testing.kit import PROMISES

        try:
            outcome = PROMISES[self.name].outcome(self._subject())
        except ZooError as error:  # a name or an option that does not fit
            pytest.fail(str(error), pytrace=False)
        if outcome.broken is not None:
            pytest.fail(str(outcome), pytrace=False)
        if outcome.state == "not checked":
            pytest.skip(f"not checked: {outcome.reason}")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", HELP)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each promise of each architecture that it is marked with."""
    marks = list(metafunc.definition.iter_markers(MARKER))
    if "promise" not in metafunc.fixturenames or not marks:
        return
    from zoo.testing.kit import PROMISES

    cases, ids = [], []
    for mark in marks:
        if len(mark.args) != 1:
            raise pytest.UsageError(
                f'{metafunc.definition.nodeid}: @pytest.mark.{MARKER} takes the name of an architecture, as in {MARKER}("my-gan", '
                f"width=16); given {mark.args}"
            )
        title = "-".join(str(part) for part in (mark.args[0], mark.kwargs.get("preset")) if part)
        for promise in PROMISES:
            cases.append((mark.args[0], mark.kwargs, promise))
            ids.append(promise if len(marks) == 1 else f"{title}-{promise}")
    metafunc.parametrize("promise", cases, ids=ids, indirect=True)


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
def promise(request: pytest.FixtureRequest, _zoo_subjects: Callable[..., Subject]) -> PromiseOf:
    """A promise of the architecture that the test is marked with: call its `check()`."""
    if not hasattr(request, "param"):
        pytest.fail(
            f'the fixture promise needs the name of an architecture: @pytest.mark.{MARKER}("my-gan") above the test',
            pytrace=False,
        )
    name, options, promised = request.param
    return PromiseOf(name, promised, lambda: _zoo_subjects(name, options))
