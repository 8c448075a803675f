"""The pytest plugin, as a package that brings an architecture would use it: in processes of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import broken_toys
import pytest
from support import write_distribution

TOYS = Path(broken_toys.__file__).read_text("utf-8")

TEST = """
import pytest

@pytest.mark.zoo_architecture("{name}", latent=3)
def test_it_passes(zoo_check):
    zoo_check.run()
"""


@pytest.fixture
def package(tmp_path):
    """Installs the toys, writes tests, and runs pytest on them: ``package({"test_it.py": "…"}, "-rs")``."""
    place = tmp_path / "site-packages"
    write_distribution(place, TOYS, "broken_toys")
    tests = tmp_path / "tests"
    tests.mkdir()

    def run(files: dict[str, str], *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        for name, text in files.items():
            (tests / name).write_text(text, encoding="utf-8")
        path = os.pathsep.join([str(place), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--strict-markers", "-W", "error",
             "--rootdir", str(tests), *arguments, str(tests)],
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", **environment},
            cwd=tests, capture_output=True, text=True, timeout=300,
        )  # fmt: skip

    return run


def test_each_check_is_a_test_with_a_readable_name(package):
    done = package({"test_it.py": TEST.format(name="detached")}, "-rsf", "-k", "not compiled")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAILED test_it.py::test_it_passes[gradients] - " in done.stdout
    assert "detached fails the check 'gradients': Within a few steps" in done.stdout
    assert "again: zoo check detached --only gradients --latent 3" in done.stdout
    assert "SKIPPED [1]" in done.stdout
    assert "it is not conditional" in done.stdout
    assert "Traceback" not in done.stdout
    assert "outcome = " not in done.stdout, "no source of the kit"
    assert "1 failed, 10 passed, 1 skipped, 1 deselected" in done.stdout.replace(
        "9 passed, 2 skipped", "10 passed, 1 skipped"
    )


SEVERAL = """
import pytest

pytestmark = [pytest.mark.zoo_architecture("good", preset="quick"), pytest.mark.zoo_architecture("conditional")]

def test_they_pass(zoo_check):
    pass

def test_that_asks_for_none():
    pass
"""


def test_several_architectures_are_told_apart(package):
    done = package({"test_it.py": SEVERAL}, "--collect-only", "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    names = [line.partition("::")[2] for line in done.stdout.splitlines() if "::" in line]
    assert names[0] == "test_they_pass[good-quick-documented]"
    assert "test_they_pass[conditional-shapes]" in names
    assert names[-1] == "test_that_asks_for_none"
    assert len(names) == 2 * 13 + 1


USELESS = """
def test_without_a_marker(zoo_check):
    zoo_check.run()
"""


def test_what_is_missing_is_said(package):
    done = package({"test_a.py": USELESS})
    assert done.returncode == 1
    assert (
        'the fixture zoo_check needs the name of an architecture: @pytest.mark.zoo_architecture("my-gan")'
        in done.stdout
    )
    assert "Traceback" not in done.stdout


MARKED = """
import pytest

@pytest.mark.zoo_architecture({marker})
def test_it_passes({fixture}):
    pass
"""


@pytest.mark.parametrize(
    ("marker", "fixture", "told"),
    [
        ('"goood"', "zoo_check", "unknown architecture 'goood'; did you mean 'good'?"),
        ('"good", preset="quik"', "zoo_check", "unknown preset of good 'quik'; did you mean 'quick'?"),
        ('"good", latnt=3', "zoo_check", "unknown option 'latnt'; did you mean 'latent'?"),
        ('"good", latent="many"', "zoo_check", "--latent: 'many' does not fit"),
        ('"good", data="digits"', "zoo_check", "zoo check chooses --data itself; leave it out"),
        ("5", "zoo_check", "give the name of an architecture"),
        ("", "zoo_check", "@pytest.mark.zoo_architecture takes the name of an architecture"),
        ('"good"', "", "has the marker zoo_architecture, but does not take the fixture `zoo_check`"),
    ],
)
def test_a_mark_that_does_not_fit_is_one_error_of_collection(package, marker, fixture, told):
    done = package({"test_it.py": MARKED.format(marker=marker, fixture=fixture)})
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"test_it.py::test_it_passes: {told}" in done.stdout
    assert "1 error in" in done.stdout
    assert "_callers.py" not in done.stdout, "no frames of pytest's"
    assert "Traceback" not in done.stdout
    assert len(done.stdout.splitlines()) < 20, done.stdout


FORGETFUL = """
import pytest

@pytest.mark.zoo_architecture("good")
def test_that_forgets(zoo_check):
    pass

@pytest.mark.zoo_architecture("good")
def test_that_is_skipped(zoo_check):
    pytest.skip("not today")

@pytest.mark.zoo_architecture("good")
def test_that_fails(zoo_check):
    assert zoo_check is None
"""


def test_a_check_that_has_not_run_is_an_error(package):
    done = package({"test_it.py": FORGETFUL}, "-k", "documented")
    assert done.returncode == 1
    assert "the check 'documented' of good has not run: call zoo_check.run()" in done.stdout
    assert "ERROR at teardown of test_that_forgets[documented]" in done.stdout
    assert "1 failed, 1 passed, 1 skipped, 36 deselected, 1 error" in done.stdout


DEPRECATED = """
import pytest

@pytest.mark.zoo_architecture("{name}")
def test_of_version_1_0(promise):
    promise.check()
"""


def test_the_deprecated_fixture_runs_each_check_and_says_what_it_is_called_now(package):
    chosen = "-k", "documented or gradients or labels"
    done = package({"test_it.py": DEPRECATED.format(name="detached")}, *chosen, "-W", "always::DeprecationWarning")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAILED test_it.py::test_of_version_1_0[gradients] - " in done.stdout
    assert "1 failed, 1 passed, 1 skipped, 10 deselected" in done.stdout
    assert "the fixture promise of test_it.py::test_of_version_1_0[documented] is called zoo_check since" in done.stdout
    assert "zoo_check.check() is called zoo_check.run() since" in done.stdout


def test_the_deprecated_fixture_is_an_error_where_warnings_are(package):
    done = package({"test_it.py": DEPRECATED.format(name="good")}, "-k", "documented")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "DeprecationWarning: the fixture promise of " in done.stdout
    assert "13 errors" not in done.stdout
    assert "1 error in" in done.stdout.replace("12 deselected, ", "")


BYSTANDER = """
import sys

def test_that_has_nothing_to_do_with_it():
    assert "zoo.testing.plugin" in sys.modules
    assert [name for name in ("torch", "pydantic", "numpy", "zoo.plugins.registry", "zoo.testing.kit") if name in sys.modules] == []
"""


def test_it_costs_nothing_where_it_is_not_used_and_minds_no_broken_plugin(package, tmp_path):
    write_distribution(tmp_path / "site-packages", "raise RuntimeError('broken')", "broken_plugin")
    done = package({"test_it.py": BYSTANDER}, "-q")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_broken_plugin_beside_it_hinders_no_check(package, tmp_path):
    write_distribution(tmp_path / "site-packages", "raise RuntimeError('broken')", "broken_plugin")
    done = package({"test_it.py": TEST.format(name="good")}, "-k", "documented or shapes", "-q")
    assert done.returncode == 0, done.stdout + done.stderr


LAZY = """
import zoo

class Lazy(zoo.Architecture):
    name = "lazy"

    def generator(self, options, data):
        import torch

    def discriminator(self, options, data):
        import torch

@zoo.hookimpl
def zoo_register_architectures(register):
    register(Lazy)
"""


def test_collecting_imports_no_torch(package, tmp_path):
    write_distribution(tmp_path / "site-packages", LAZY, "lazy_plugin")
    conftest = "import sys\ndef pytest_collection_finish(session):\n    assert 'torch' not in sys.modules\n"
    done = package(
        {"conftest.py": conftest, "test_it.py": TEST.format(name="lazy")},
        "--collect-only",
        "-q",
        ZOO_PLUGINS="lazy_plugin",
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_marker_is_known(package):
    done = package({}, "--markers")
    assert "@pytest.mark.zoo_architecture(name, preset=None, **options): the architecture whose checks" in done.stdout
