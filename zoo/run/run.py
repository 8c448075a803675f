"""A run directory, seen from Python."""

from __future__ import annotations

import contextlib
import logging
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.data.spec import CHANNELS, DataSpec
from zoo.errors import RunError
from zoo.run import checkpoint_list
from zoo.run.changes import read_changes, read_healing
from zoo.run.config import CONFIG_REMEDY, FORMAT, read_config, write_config
from zoo.run.events import read_events
from zoo.run.files import advising, reading, writing
from zoo.run.holding import Held, Holder, holder, holding
from zoo.run.journal import last_metrics, last_step, read_metrics
from zoo.run.overview import overview
from zoo.run.place import FOLDERS, check_path, claim, clear, expanded, is_empty
from zoo.run.record import DamagedError, Record
from zoo.run.scores import Scores, read_scores
from zoo.system.names import printable, shown

if TYPE_CHECKING:
    import zoo
    from zoo.options import Options
    from zoo.options.owner import Owner

log = logging.getLogger(__name__)


def quoted(path: Path) -> str:
    """A path as it is typed into a shell."""
    return shlex.quote(str(path))


class Run:
    """A run: a folder with config.json, metrics.jsonl, samples/ and checkpoints/."""

    def __init__(self, path: Path | str) -> None:
        """Open an existing run. Raises RunError where there is none, or it is damaged, OptionError for what is no path."""
        self.path: Path = check_path(path, "a run's folder")
        """The folder."""
        self.config: dict[str, Any]
        self.config, self.config_intact = read_config(self.path)
        """What config.json holds: architecture, preset, options, steps, data, plugin, environment."""
        self._held: Held | None = None
        self._made = False  # whether `create` made the folder

    @staticmethod
    def check_place(out: Path | str | None) -> None:
        """Raise RunError where a new run cannot be made at `out`: said before the data is prepared, not after."""
        if out is None:
            return
        if not str(out):
            raise RunError("out is empty; give the folder of the new run a name, or leave it out")
        path = expanded(out)
        with writing(path):
            if path.is_dir() and not is_empty(path):
                raise RunError(f"{path} is not empty{_what_is_there(path)}, or choose another --out")

    @classmethod
    def create(cls, out: Path | str | None, config: Mapping[str, Any]) -> Run:
        """A new run directory as `begin` makes it, held by nobody."""
        with cls.begin(out, config) as run:
            return run

    @classmethod
    @contextlib.contextmanager
    def begin(cls, out: Path | str | None, config: Mapping[str, Any]) -> Iterator[Run]:
        """A new run directory: `out`, which must be new or empty, or by default the next free ``runs/NAME-NNN``.

        This process holds it within the block (`zoo.run.holding`). Raises RunError where it cannot be written, is held by another
        process or already holds something.
        """
        if out is None:
            path = claim(Path("runs"), config["architecture"])
        else:
            path = expanded(out)
        cls.check_place(path)
        made = out is None or not path.exists()
        with writing(path):
            path.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            try:
                held = stack.enter_context(holding(path, "choose another --out"))  # of two that begin here, one is told
            except BaseException:
                with contextlib.suppress(OSError):
                    path.rmdir() if made else None
                raise
            cls.check_place(path)
            try:
                with writing(path):
                    for folder in FOLDERS:
                        (path / folder).mkdir(exist_ok=True)
                write_config(path, {"format": FORMAT, **config})
            except BaseException:
                clear(path, folder=made)
                raise
            run = cls(path)
            run._made, run._held = made, held
            yield run

    @contextlib.contextmanager
    def held(self) -> Iterator[Run]:
        """Hold it within the block, which is given the run as it is then. Raises RunError where another process holds it."""
        otherwise = "wait until it ends, or end it with Ctrl-C or SIGTERM, which saves, and then go on"
        with contextlib.ExitStack() as stack:
            with advising(self.going_on):
                held = stack.enter_context(holding(self.path, otherwise))
            run = Run(self.path)
            run._held = held
            yield run

    def confirm_held(self) -> None:
        """Raise RunError where this process held the run and another one has it now; config.json is written again if it is gone."""
        if self._held is None:
            return
        self._held.confirm()
        if self.path.is_dir() and not (self.path / "config.json").exists():
            log.warning("%s is gone, and is written again", self.path / "config.json")
            self.save_config(self.config)

    @property
    def holder(self) -> Holder | None:
        """The process that trains it now; None where there is none, or the file system cannot tell."""
        return holder(self.path)

    def discard(self) -> None:
        """Remove what `create` made, and no folder that was there before: for a run that could not begin."""
        clear(self.path, folder=self._made)

    def save_config(self, config: Mapping[str, Any]) -> None:
        """Replace config.json."""
        self.config = dict(config)
        write_config(self.path, self.config)

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
        return checkpoint_list.checkpoints(self.path / "checkpoints")

    def geometry(self) -> tuple[DataSpec, list[str]]:
        """The images the networks are built for, and the names of the classes. Raises RunError where config.json lacks them."""
        with self._describing_data() as config:
            data = config.need("data", dict)
            config.need("data.title", str)
            config.need("data.images", int)
            names = [printable(str(name)) for name in config.need("data.class_names", list)]
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
        return shown(str(self.config["data"]["title"]))

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
        step, folder = self.start()
        if folder is None:
            what = (
                f"{who} trains it: wait"
                if (who := self.holder)
                else f"zoo resume {quoted(self.path)} trains it from step 0 on"
            )
            raise RunError(f"{self.path} has no checkpoint yet; {what}")
        return step, folder

    def start(self) -> tuple[int, Path | None]:
        """Where it goes on: the newest whole checkpoint, or step 0 and None where none was written yet.

        Raises RunError where there were some that cannot be gone on from.
        """
        found = self.checkpoints or self.checkpoints  # one may appear, and the one before go, while they are listed
        if found:
            return found[-1]
        if lacking := self.lacking:
            name, folder = lacking.partition(" ")[0], self.path / "checkpoints"
            raise RunError(
                f"{self.path} has no whole checkpoint: {lacking}; put that back, or move {folder / name} elsewhere, and "
                f"zoo resume {quoted(self.path)} begins again at step 0"
            )
        if self._is_finished():
            raise RunError(
                f"{self.path} is finished, and its checkpoints are gone; put back a folder of {self.path / 'checkpoints'}, "
                "or train again with another --out"
            )
        return 0, None

    @property
    def lacking(self) -> str:
        """What the newest checkpoint lacks where it is not whole, ``step-00001000 lacks state.json``; empty where it is."""
        return checkpoint_list.lacking(self.path / "checkpoints")

    def _is_finished(self) -> bool:
        """Whether its last step was logged, and its film made, which comes after its last checkpoint."""
        last, wanted = last_step(self.path / "metrics.jsonl") or 0, self.config.get("steps")
        with reading(self.path):
            return isinstance(wanted, int) and last >= wanted > 0 and (self.path / "samples.gif").exists()

    def going_on(self, mend: str) -> str:
        """What to do where the run cannot write on (`zoo.system.disk.Remedies`): mend that, and go on from what is saved."""
        mend = mend or "mend that"
        if not self.path.is_dir():
            return f"{self.path} was moved or removed: put it back, then zoo resume {quoted(self.path)} goes on from what it holds"
        found = self.checkpoints
        how = f"goes on from step {found[-1][0]}, which is saved" if found else "begins again at step 0"
        return f"{mend}, then zoo resume {quoted(self.path)} {how}"

    def metrics(self, most: int | None = None) -> list[dict[str, Any]]:
        """What was logged, in order. `most`: how many lines at most, evenly from first to last: a long run has a million."""
        return read_metrics(self.path / "metrics.jsonl", most)

    def events(self) -> list[dict[str, Any]]:
        """What has gone wrong and was told of, in order: step, event (its kind), message, values; and what was done about it."""
        return read_events(self.path / "metrics.jsonl")

    def scores(self) -> list[Scores]:
        """What evaluations of its checkpoints found, in the order in which they were made, each with its provenance."""
        return read_scores(self.path)

    @property
    def healing(self) -> list[dict[str, Any]]:
        """How often it went back to a good checkpoint (``--on-trouble heal``), and what for. Raises RunError for a damaged line."""
        return read_healing(self.config, self.path / "config.json", CONFIG_REMEDY)

    def generator(self) -> zoo.Generator:
        """The trained generator of the newest checkpoint: `zoo.load`."""
        import zoo

        return zoo.load(self)

    def _repr_html_(self) -> str:
        """What a notebook shows of it: a table of facts and the newest sample grid."""
        try:
            last, events = last_metrics(self.path / "metrics.jsonl"), self.events()
            checkpoints, samples = self.checkpoints, self.samples
        except OSError:  # a folder that cannot be read any more is no reason for a traceback
            last, events, checkpoints, samples = None, [], [], []
        step = checkpoints[-1][0] if checkpoints else None
        return overview(self.path, self.config, step, last or {}, samples[-1] if samples else None, events)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}, architecture={self.architecture!r})"


def _what_is_there(path: Path) -> str:
    """What a folder that is not empty holds, and what to do with it: ``; go on with it (zoo resume runs/a)``."""
    if who := holder(path):
        return f": {who} trains a run there; wait until it ends"
    if not (path / "config.json").is_file():
        return ": give the name of a new folder"
    try:
        Run(path).start()
    except RunError as error:
        if isinstance(error.__cause__, OSError):  # it may be whole, and cannot be read now
            return f": {error}"
        return f": it holds a run, and zoo resume {quoted(path)} says what it lacks; mend that"
    return f"; go on with it (zoo resume {quoted(path)})"
