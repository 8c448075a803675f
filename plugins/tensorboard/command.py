"""``zoo tensorboard``: TensorBoard on the event files of a run, or of all runs in a folder."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import zoo

FOLDER = "tensorboard"
"""Where in its folder a run has its event files."""

ADVICE = "pip install tensorboard"


class Show(zoo.Command):
    """Starts TensorBoard, in this process, until it is interrupted."""

    name = "tensorboard"
    summary = "show runs in TensorBoard: zoo tensorboard runs"

    def run(self, arguments: Sequence[str]) -> int:
        """Serve the curves and pictures of a run; what TensorBoard has options of its own for is passed on to it."""
        import argparse  # here and not above: zoo --help imports this file

        parser = argparse.ArgumentParser(
            prog="zoo tensorboard",
            description="Start TensorBoard on the event files of a run that was trained with --watch tensorboard, or of all "
            "such runs in a folder. Ctrl-C ends it.",
            epilog="All other options are TensorBoard's own: --port 6007, --host 127.0.0.1, --reload_interval 5 "
            "(tensorboard --help).",
            allow_abbrev=False,
        )
        parser.add_argument("path", metavar="RUN_OR_FOLDER", type=Path, help="a run, or a folder of runs")
        given, others = parser.parse_known_args(arguments)
        folder = logs(given.path)
        if find_spec("tensorboard") is None:
            raise zoo.errors.OptionError(
                f"zoo tensorboard needs the package tensorboard, which is not installed; {ADVICE}"
            )
        return serve(folder, others)


def logs(path: Path) -> Path:
    """The folder that TensorBoard is to read. Raises RunError where no run in it has written event files."""
    if (path / "config.json").is_file():
        if not any((path / FOLDER).glob("events.out.*")):
            raise zoo.errors.RunError(
                f"{path} was trained without --watch tensorboard and has no event files; zoo resume {shlex.quote(str(path))} "
                "--watch tensorboard writes them from here on (with --steps N, where it is finished)"
            )
        return path / FOLDER
    if not path.is_dir():
        raise zoo.errors.RunError(f"there is no run and no folder at {path}; give the folder that `zoo train` named")
    if not any(path.glob(f"**/{FOLDER}/events.out.*")):
        raise zoo.errors.RunError(
            f"no run in {path} was trained with --watch tensorboard; give the folder of one that was, or of several"
        )
    return path


def serve(folder: Path, others: Sequence[str]) -> int:
    """Serve a folder until interrupted; returns TensorBoard's exit code."""
    import importlib
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the packages that it is built on
        server = importlib.import_module("tensorboard.program").TensorBoard()
        server.configure(argv=("tensorboard", "--logdir", str(folder), *others))
    main: Callable[[], int] = server.main
    return main() or 0
