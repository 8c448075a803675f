"""A run directory, seen from Python."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.data.spec import CHANNELS, DataSpec
from zoo.errors import OptionError, RunError
from zoo.run import checkpoint
from zoo.run.changes import read_changes
from zoo.run.files import reading, write_json, writing
from zoo.run.journal import last_metrics, read_metrics
from zoo.run.overview import overview
from zoo.run.record import DamagedError, Record
from zoo.system.denied import refuse_denied

if TYPE_CHECKING:
    import zoo
    from zoo.options import Options
    from zoo.options.owner import Owner

FORMAT = 2
"""The version of the layout of config.json."""

CONFIG_REMEDY = "copy config.json from a backup or from another run of the same command, or train again"
"""What to do about one that is damaged."""


def quoted(path: Path) -> str:
    """A path as it is typed into a shell."""
    return shlex.quote(str(path))


def check_path(given: object, what: str) -> Path:
    """A path that was given from Python. Raises OptionError for what is none."""
    if not isinstance(given, str | os.PathLike):
        raise OptionError(f"{what} is {given!r}; give a path, as text or pathlib.Path")
    return Path(given)


class Run:
    """A run: a folder with config.json, metrics.jsonl, samples/ and checkpoints/."""

    def __init__(self, path: Path | str) -> None:
        """Open an existing run. Raises RunError where there is none, or it is damaged, OptionError for what is no path."""
        self.path: Path = check_path(path, "a run's folder")
        """The folder."""
        self.config: dict[str, Any] = _read_config(self.path)
        """What config.json holds: architecture, preset, options, steps, data, plugin, environment."""
        self._made = False  # whether `create` made the folder

    @staticmethod
    def check_place(out: Path | str | None) -> None:
        """Raise RunError where a new run cannot be made at `out`: said before the data is prepared, not after."""
        if out is None:
            return
        if not str(out):
            raise RunError("out is empty; give the folder of the new run a name, or leave it out")
        path = _expanded(out)
        with writing(path):
            if path.is_dir() and any(path.iterdir()):
                raise RunError(f"{path} is not empty{_what_is_there(path)}, or choose another --out")

    @classmethod
    def create(cls, out: Path | str | None, config: Mapping[str, Any]) -> Run:
        """A new run directory: `out`, which must be new or empty, or by default the next free ``runs/NAME-NNN``.

        Raises RunError where it cannot be written or already holds something.
        """
        if out is None:
            path = _claim(Path("runs"), config["architecture"])
        else:
            path = _expanded(out)
        cls.check_place(path)
        made = out is None or not path.exists()
        with writing(path):
            path.mkdir(parents=True, exist_ok=True)
        with writing(path):
            claim = path / ".claim"
            claim.touch(exist_ok=False)  # of two runs that begin here at once, one is told
        try:
            with writing(path):
                for folder in ("samples", "checkpoints"):
                    (path / folder).mkdir(exist_ok=True)
            write_json(path / "config.json", {"format": FORMAT, **config})
            claim.unlink()
        except BaseException:
            _clear(path, folder=made)
            raise
        run = cls(path)
        run._made = made
        return run

    def discard(self) -> None:
        """Remove what `create` made, and no folder that was there before: for a run that could not begin."""
        _clear(self.path, folder=self._made)

    def save_config(self, config: Mapping[str, Any]) -> None:
        """Replace config.json."""
        self.config = dict(config)
        write_json(self.path / "config.json", self.config)

    @property
    def architecture(self) -> str:
        """The architecture's name."""
        return str(self.config["architecture"])

    def options(self, architecture: Owner) -> Options:
        """Its options, from the newest checkpoint on. Raises OptionError, with the file, for a value that does not fit."""
        from zoo.options.resolve import validate

        saved = self.config["options"]
        return validate(architecture, saved, dict.fromkeys(saved, self.path / "config.json"), f"; {CONFIG_REMEDY}")

    @property
    def changes(self) -> list[dict[str, Any]]:
        """Which options became others, in order: step (steps done before), option, from, to, zoo, time. Raises RunError."""
        return read_changes(self.config, self.path / "config.json", CONFIG_REMEDY)

    @property
    def samples(self) -> list[Path]:
        """The sample grids by step."""
        return sorted((self.path / "samples").glob("step-*.png"))

    @property
    def checkpoints(self) -> list[tuple[int, Path]]:
        """The whole checkpoints by step, oldest first."""
        return checkpoint.checkpoints(self.path / "checkpoints")

    def geometry(self) -> tuple[DataSpec, list[str]]:
        """The images the networks are built for, and the names of the classes. Raises RunError where config.json lacks them."""
        with self._describing_data() as config:
            data = config.need("data", dict)
            config.need("data.title", str)
            config.need("data.images", int)
            names = [str(name) for name in config.need("data.class_names", list)]
            channels, height, width = (config.need(f"data.{name}", int) for name in ("channels", "height", "width"))
            spec = DataSpec(channels, height, width, len(names), data.get("points") is True)
            if spec.channels not in CHANNELS or min(spec.shape) < 1:
                raise DamagedError(f"there are no images of {spec.height}×{spec.width}×{spec.channels}")
            return spec, names

    @property
    def fingerprint(self) -> str:
        """What tells the data's content from any other. Raises RunError where config.json lacks it."""
        with self._describing_data() as config:
            return config.need("data.fingerprint", str)

    @property
    def data_title(self) -> str:
        """What the data is called. Raises RunError where config.json lacks it."""
        self.geometry()
        return str(self.config["data"]["title"])

    @property
    def data_count(self) -> int:
        """How many images the data has. Raises RunError where config.json lacks it."""
        self.geometry()
        return int(self.config["data"]["images"])

    @contextlib.contextmanager
    def _describing_data(self) -> Iterator[Record]:
        """The configuration to look things up in; what it says wrongly of the data is a RunError."""
        try:
            yield Record(self.config)
        except DamagedError as error:
            file = self.path / "config.json"
            raise RunError(f"{file} does not describe its data: {error}; {CONFIG_REMEDY}") from None

    def latest(self) -> tuple[int, Path]:
        """The newest whole checkpoint. Raises RunError where there is none."""
        found = self.checkpoints
        if found:
            return found[-1]
        if lacking := self.lacking:
            raise RunError(f"{self.path} has no whole checkpoint: {lacking}; put that back, or train again")
        if self._is_finished():
            raise RunError(
                f"{self.path} is finished, and its checkpoints are gone; put back a folder of {self.path / 'checkpoints'}, "
                "or train again with another --out"
            )
        raise RunError(
            f"{self.path} has no checkpoint yet, and nothing to go on from; remove it and train again, with a lower "
            "--checkpoint-every"
        )

    @property
    def lacking(self) -> str:
        """What the newest checkpoint lacks where it is not whole, ``step-00001000 lacks state.json``; empty where it is."""
        return checkpoint.lacking(self.path / "checkpoints")

    def _is_finished(self) -> bool:
        """Whether its last step was logged."""
        last, wanted = (last_metrics(self.path / "metrics.jsonl") or {}).get("step"), self.config.get("steps")
        return isinstance(wanted, int) and isinstance(last, int) and last >= wanted > 0

    def going_on(self, mend: str) -> str:
        """What to do where the run cannot write on (`zoo.system.disk.Remedies`): mend that, and go on from what is saved."""
        mend = mend or "mend that"
        if not self.checkpoints:
            return f"{mend}, remove {self.path} and train again, or choose another place with --out"
        step = self.checkpoints[-1][0]
        return f"{mend}, then zoo resume {quoted(self.path)} goes on from step {step}, which is saved"

    def metrics(self, most: int | None = None) -> list[dict[str, Any]]:
        """What was logged, in order. `most`: how many lines at most, evenly from first to last: a long run has a million."""
        return read_metrics(self.path / "metrics.jsonl", most)

    def generator(self) -> zoo.Generator:
        """The trained generator of the newest checkpoint: `zoo.load`."""
        import zoo

        return zoo.load(self)

    def _repr_html_(self) -> str:
        """What a notebook shows of it: a table of facts and the newest sample grid."""
        try:
            last, checkpoints, samples = last_metrics(self.path / "metrics.jsonl"), self.checkpoints, self.samples
        except OSError:  # a folder that cannot be read any more is no reason for a traceback
            last, checkpoints, samples = None, [], []
        step = checkpoints[-1][0] if checkpoints else None
        return overview(self.path, self.config, step, last or {}, samples[-1] if samples else None)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}, architecture={self.architecture!r})"


def _expanded(out: Path | str) -> Path:
    """The path with the home directory in the place of ~. Raises RunError where there is none."""
    try:
        return check_path(out, "out").expanduser()
    except RuntimeError:
        raise RunError(
            f"cannot write {out}: that home directory is not known here; write the folder's path in full"
        ) from None


def _read_config(path: Path) -> dict[str, Any]:
    file = path / "config.json"
    with reading(path):
        refuse_denied(path)
        refuse_denied(file)
    if not path.exists():
        raise RunError(f"there is no run at {path}; give the folder that `zoo train` named")
    if not file.exists():
        inside = sorted(child.parent.name for child in path.glob("*/config.json")) if path.is_dir() else []
        hint = f"; did you mean {path / inside[-1]}?" if inside else "; give the folder that `zoo train` named"
        raise RunError(f"{path} is not a run: it has no config.json{hint}")
    try:
        config = Record.read(file)
        written = config.need("format", int)
        config.need("architecture", str)
        config.need("options", dict)
        for name in ("plugin", "environment", "environment.ops"):
            config.may(name, dict)
        for name in ("plugin.distribution", "plugin.version"):
            config.may(name, str)
    except (FileNotFoundError, DamagedError) as error:
        raise RunError(f"{file} cannot be read: {error}; {CONFIG_REMEDY}") from None
    if written > FORMAT:
        raise RunError(f"{file} was written by a newer zoo (format {written}); upgrade zoo to read it")
    return config.content


def _what_is_there(path: Path) -> str:
    """What a folder that is not empty holds, and what to do with it: ``; go on with it (zoo resume runs/a)``."""
    if not (path / "config.json").is_file():
        return ": give the name of a new folder"
    try:
        Run(path).latest()
    except RunError:  # resume would have nothing to go on from
        return f": a run that cannot be gone on with (zoo resume {quoted(path)} says why); remove it"
    return f"; go on with it (zoo resume {quoted(path)})"


def _clear(path: Path, folder: bool) -> None:
    """Remove the beginnings of a run; its `folder` too, if that is wanted and nothing else is in it."""
    for name in (".claim", "config.json"):
        (path / name).unlink(missing_ok=True)
    for place in (path / "samples", path / "checkpoints", *([path] if folder else [])):
        with contextlib.suppress(OSError):
            place.rmdir()


def _claim(folder: Path, name: str) -> Path:
    """Make the next free ``folder/NAME-NNN``; two runs that begin together get one each."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            taken = [path.name[len(name) + 1 :] for path in folder.glob(f"{name}-*")]
            number = max((int(suffix) for suffix in taken if suffix.isdigit()), default=0) + 1
            path = folder / f"{name}-{number:03d}"
            try:
                path.mkdir()
                return path
            except FileExistsError:
                continue
