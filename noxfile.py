"""The suite with other versions of Python and torch: make matrix, or one pair: nox -s "tests(oldest)" -- -k resume

Each pair has an environment of its own in .nox, which is kept. What came of each is a line in build/matrix.md. zoo is installed,
and not imported from the checkout, whose native core is of another Python.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = False
nox.options.stop_on_first_error = False

TABLE = Path("build/matrix.md")
PAIRS = [
    nox.param("3.10", "2.11.0", id="oldest"),
    nox.param("3.11", "2.13.0", id="usual"),
    nox.param("3.12", "2.11.0", id="gpu"),  # what the machine with a GPU has
    nox.param("3.13", "newest", id="newest"),
    nox.param("3.14", "newest", id="next"),
]
REDUCED = (
    "tests/test_imports.py", "tests/options", "tests/run", "tests/host", "tests/engine/test_step.py",
    "tests/engine/test_resume.py", "tests/ops/test_ops_batch_norm.py", "tests/ops/test_ops_linear.py",
    "tests/plugins/test_registry.py", "tests/cli/test_cli.py", "tests/generate",
)  # fmt: skip
"""What tells most in a few minutes: nox -s tests -- reduced."""


@nox.session
@nox.parametrize("python, torch", PAIRS)
def tests(session: nox.Session, torch: str) -> None:
    """Install zoo as a person would, and run the suite but for what is slow."""
    unpinned = Path(session.create_tmp()) / "constraints.txt"
    lines = Path("constraints.txt").read_text("utf-8").splitlines()
    # setuptools, too: some releases of torch want an older one, and would be replaced for the sake of a newer.
    kept = [line for line in lines if not line.startswith(("torch==", "setuptools=="))]
    unpinned.write_text("\n".join([*kept, *([] if torch == "newest" else [f"torch=={torch}"])]) + "\n", "utf-8")
    session.install("torch" if torch == "newest" else f"torch=={torch}")
    session.install("setuptools", "pybind11", "ninja", "-c", str(unpinned))
    session.install(
        "--no-build-isolation", ".[test,plots,tensorboard,data]", "-c", str(unpinned), env={"ZOO_NATIVE": "cpu"}
    )
    asked = list(session.posargs)
    chosen = list(REDUCED) if asked == ["reduced"] else asked
    began = time.monotonic()
    said = session.run(
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-m",
        "not slow",
        *chosen,
        silent=True,
        success_codes=[0, 1, 2, 3, 4, 5],
    )
    summary = (str(said).strip().splitlines() or ["nothing"])[-1]
    versions = session.run(
        "python", "-c", "import sys, torch; print(sys.version.split()[0], torch.__version__)", silent=True
    )
    python, found = str(versions).split()
    minutes = (time.monotonic() - began) / 60
    _line(python, found, "reduced" if asked == ["reduced"] else " ".join(asked) or "all but slow", summary, minutes)
    if not re.search(r"\b\d+ passed\b", summary) or re.search(r"\b\d+ (failed|errors?)\b", summary):
        print(said)
        session.error(summary)


def _line(python: str, torch: str, selection: str, summary: str, minutes: float) -> None:
    TABLE.parent.mkdir(exist_ok=True)
    if not TABLE.exists():
        TABLE.write_text("| Python | torch | selection | result | minutes |\n|---|---|---|---|---|\n", "utf-8")
    with TABLE.open("a", encoding="utf-8") as file:
        file.write(f"| {python} | {torch} | {selection} | {summary.strip('= ')} | {minutes:.1f} |\n")
