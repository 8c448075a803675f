"""A run directory, seen from Python."""

from __future__ import annotations

import contextlib
import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.data.spec import DataSpec
from zoo.errors import RunError
from zoo.run import checkpoint
from zoo.run.files import reading, write_json, writing
from zoo.run.journal import read_metrics
from zoo.run.overview import overview
from zoo.system.denied import refuse_denied

if TYPE_CHECKING:
    import zoo

FORMAT = 2
"""The version of the layout of config.json."""


def quoted(path: Path) -> str:
    """A path as it is typed into a shell."""
    return shlex.quote(str(path))


class Run:
    """A run: a folder with config.json, metrics.jsonl, samples/ and checkpoints/."""

    def __init__(self, path: Path | str) -> None:
        """Open an existing run. Raises RunError where there is none, or it is damaged."""
        self.path: Path = Path(path)
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
                is_run = (path / "config.json").exists()
                advice = (
                    f"go on with it (zoo resume {quoted(path)}), or choose another --out"
                    if is_run
                    else "choose another --out"
                )
                raise RunError(f"{path} is not empty; {advice}")

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
        try:
            data = self.config["data"]
            names = [str(name) for name in list(data["class_names"])]
            spec = DataSpec(
                int(data["channels"]), int(data["height"]), int(data["width"]), len(names), data.get("points") is True
            )
            if spec.channels not in (1, 3) or min(spec.shape) < 1:
                raise ValueError(f"images of {spec.shape}")
            return spec, names
        except (KeyError, TypeError, ValueError) as error:
            raise self._undescribed(error) from None

    @property
    def fingerprint(self) -> str:
        """What tells the data's content from any other. Raises RunError where config.json lacks it."""
        try:
            return str(self.config["data"]["fingerprint"])
        except (KeyError, TypeError) as error:
            raise self._undescribed(error) from None

    def _undescribed(self, error: Exception) -> RunError:
        return RunError(f"{self.path / 'config.json'} does not describe its data ({error!r}); was it edited?")

    def latest(self) -> tuple[int, Path]:
        """The newest whole checkpoint. Raises RunError where there is none."""
        if not self.checkpoints:
            lacking = checkpoint.lacking(self.path / "checkpoints")
            if lacking:
                raise RunError(f"{self.path} has no whole checkpoint: {lacking}; put that back, or train again")
            raise RunError(f"{self.path} has no checkpoint yet; train again, with a lower --checkpoint-every")
        return self.checkpoints[-1]

    def metrics(self) -> list[dict[str, Any]]:
        """What was logged, in order."""
        return read_metrics(self.path / "metrics.jsonl")

    def generator(self) -> zoo.Generator:
        """The trained generator of the newest checkpoint: `zoo.load`."""
        import zoo

        return zoo.load(self)

    def _repr_html_(self) -> str:
        """What a notebook shows of it: a table of facts and the newest sample grid."""
        try:
            metrics, checkpoints, samples = self.metrics(), self.checkpoints, self.samples
        except OSError:  # a folder that cannot be read any more is no reason for a traceback
            metrics, checkpoints, samples = [], [], []
        step = checkpoints[-1][0] if checkpoints else None
        return overview(self.path, self.config, step, metrics, samples[-1] if samples else None)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}, architecture={self.architecture!r})"


def _expanded(out: Path | str) -> Path:
    """The path with the home directory in the place of ~. Raises RunError where there is none."""
    try:
        return Path(out).expanduser()
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
    if not file.is_file():
        inside = sorted(child.parent.name for child in path.glob("*/config.json")) if path.is_dir() else []
        hint = f"; did you mean {path / inside[-1]}?" if inside else "; give the folder that `zoo train` named"
        raise RunError(f"{path} is not a run: it has no config.json{hint}")
    try:
        config = json.loads(file.read_text(encoding="utf-8-sig"))
        if not isinstance(config["options"], dict) or not isinstance(config["architecture"], str):
            raise TypeError("'options' and 'architecture' are not what they should be")
        if config["format"] > FORMAT:
            raise RunError(f"{file} was written by a newer zoo (format {config['format']}); upgrade zoo to read it")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{file} cannot be read: {type(error).__name__}: {error}") from None
    return dict(config)


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
