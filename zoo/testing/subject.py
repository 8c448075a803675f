"""An architecture under check: the data made for it, its networks and runs, and what it is being given."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.data.spec import DataSpec
from zoo.errors import OptionError, PluginError
from zoo.options.resolve import validate
from zoo.plugins.registry import registry
from zoo.testing.attribution import not_the_machine
from zoo.testing.messages import describe, typed
from zoo.testing.options import named, resolve_small, small
from zoo.testing.outcome import CheckSkipped

if TYPE_CHECKING:
    from zoo.data.store import ImageStore
    from zoo.engine.build import TrainingState
    from zoo.options import Options
    from zoo.run.run import Run
    from zoo.testing.repeated_step import RepeatedStep

CLASSES = 3
SIZE = 8
LONGEST = 100
"""The most steps that a run is trained before it is stopped, for phases at intervals."""
SHORT = 8
"""Those before it is stopped where not even the longest would reach every phase."""


class Subject:
    """An architecture with the options it is checked under; a context that removes what it wrote when it ends.

    `given` tells what the networks are being given as a check runs, for the message if it fails.
    Raises OptionError for options that do not fit, PluginError for an architecture that is not there or contradicts itself,
    RunError where the machine fails.
    """

    def __init__(
        self, name: str, *, preset: str | None = None, config: Path | str | None = None, **options: Any
    ) -> None:
        self.architecture = named(name, options)
        self.name = name
        self.plugin = registry().contribution(name).plugin
        self.given = ""
        self._asked = {"preset": preset, "config": config, **options}
        self.flags = small(self.architecture, options)
        self._runs: dict[str, Run] = {}
        self._failures: dict[str, str] = {}
        with not_the_machine(self.plugin):
            self._folder = tempfile.TemporaryDirectory(prefix="zoo-check-", ignore_cleanup_errors=True)
            self.folder = Path(self._folder.name)
            try:
                self._prepare(preset, config)
            except BaseException:
                self.close()
                raise

    def _prepare(self, preset: str | None, config: Path | str | None) -> None:
        self.options, self.preset = self._resolve(preset, config)
        self.spec = self.spec_for(self.options)
        suited = self.preset
        if preset is None and config is None:
            from zoo.engine.choice import preset_on

            device = "cpu" if self.options.device == "auto" else self.options.device.partition(":")[0]
            with suppress(PluginError):  # one that is no preset fails the check 'presets', which tells of it
                suited = preset_on(self.architecture, self.spec, device)
            if suited != self.preset:
                self.options, self.preset = self._resolve(suited, None)
                self.spec = self.spec_for(self.options)
        smallest = self.architecture.smallest_batch
        if self.options.batch_size < smallest:
            raise OptionError(
                f"--batch-size {self.options.batch_size}: {self.name} trains on {smallest} images or more (smallest_batch)"
            )
        self._refuse()

    def _refuse(self) -> None:
        """Raise OptionError for a device or an objective that is not there, where it was asked for."""
        from zoo.engine.plan import choose_objective
        from zoo.engine.runtime.device import choose_device

        choose_device(self.options.device)
        if "objective" in self._asked or self._asked["config"] is not None:
            with suppress(PluginError):  # the architecture's own objective fails the check 'presets', which tells of it
                choose_objective(self.architecture, self.options)

    def __enter__(self) -> Subject:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove what it wrote."""
        self._folder.cleanup()

    def _resolve(self, preset: str | None, config: Path | str | None) -> tuple[Options, str | None]:
        given = {name: value for name, value in self._asked.items() if name not in ("preset", "config")}
        return resolve_small(self.architecture, preset, config, given)

    # ---- in words

    @property
    def situation(self) -> str:
        """What is being given, under which options."""
        asked = {name: value for name, value in self._asked.items() if name not in ("preset", "config")}
        words = ", ".join(f"{name}={value}" for name, value in asked.items())
        preset = (
            f"preset {self.preset}" if self.preset and "preset " not in self.given else ""
        )  # the one that was looked at
        return "; ".join(part for part in (self.given, preset, words) if part)

    def command(self, check: str) -> str:
        """What checks one check again."""
        return shlex.join(["zoo", "check", self.name, "--only", check, *typed(self._asked)])

    def tell(self, spec: DataSpec, *more: str) -> None:
        """Note what the networks are given from here on."""
        self.given = ", ".join([describe(spec), *more])

    # ---- data

    def spec_for(self, options: Options) -> DataSpec:
        """The images that these options are checked with: 8×8 and grey, or the nearest to it that they allow."""
        from zoo.data.registry import open_source
        from zoo.engine.geometry import choose_spec

        return choose_spec(self.architecture, options, open_source(str(self.data(DataSpec(1, SIZE, SIZE, CLASSES)))))

    def data(self, spec: DataSpec) -> Path:
        """A file of made-up images of this kind, three batches of them."""
        from zoo.testing.data import write_images

        count = 3 * int(self.flags["batch_size"])
        path = self.folder / f"{spec.channels}x{spec.height}x{spec.classes}.npz"
        return path if path.exists() else write_images(path, count, spec.height, spec.channels, spec.classes)

    def store(self, spec: DataSpec) -> ImageStore:
        """The same, prepared."""
        from zoo.data.registry import open_source
        from zoo.data.store import prepare

        return prepare(open_source(str(self.data(spec))), spec, cache=self.folder / "cache")

    # ---- networks

    def changed(self, **changes: Any) -> Options:
        """The options with some changes."""
        return validate(self.architecture, {**self.options.model_dump(), **changes})

    def networks_fail(self) -> str:
        """Why the networks cannot be built or do not fit each other; empty where they can. `shapes` tells of it."""
        from zoo.engine.build import build_networks
        from zoo.engine.trial import Trial

        def build() -> None:
            networks = build_networks(self.architecture, self.options, self.spec)
            Trial(self.architecture, self.options, self.spec, *networks).check()

        return self._failure("shapes", build)

    def phases_fail(self) -> str:
        """Why there are no phases or no objective under the options; empty where there are. `presets` tells of it."""
        from zoo.engine.plan import choose_objective, choose_phases

        def build() -> None:
            choose_phases(self.architecture, self.options)
            choose_objective(self.architecture, self.options)

        return self._failure("presets", build)

    def must_be_built(self) -> None:
        """Raise CheckSkipped where there is nothing to train: one check tells of it, which is enough."""
        if self.networks_fail():
            raise CheckSkipped("the networks cannot be built: see 'shapes'")
        if self.phases_fail():
            raise CheckSkipped("the phases and the objective cannot be built: see 'presets'")

    def _failure(self, check: str, build: Callable[[], None]) -> str:
        """What a build fails with that a check tells of; tried once."""
        if check not in self._failures:
            try:
                build()
                self._failures[check] = ""
            except PluginError as error:  # an OptionError is about batches, and for the check 'batch'
                self._failures[check] = str(error)
        return self._failures[check]

    def state(self, **changes: Any) -> TrainingState:
        """Everything of a training but the loop, under the options with some changes. Raises CheckSkipped where there is none."""
        self.must_be_built()
        from zoo.data.registry import open_source
        from zoo.engine.build import build
        from zoo.engine.plan import complete_plan
        from zoo.engine.runtime.device import choose_device

        options = self.changed(**changes)
        source = open_source(str(self.data(self.spec)))
        device = choose_device(options.device)
        plan = complete_plan(self.architecture, options, self.preset, source, self.spec, device)
        return build(plan, self.store(self.spec))

    def repeated_step(self, **changes: Any) -> RepeatedStep:
        """A training step on one batch, under the options with some changes."""
        from zoo.testing.repeated_step import RepeatedStep

        options = self.changed(**changes)
        words = f"a batch of {options.batch_size}", options.precision if "precision" in changes else ""
        self.tell(self.spec, *filter(None, words))
        return RepeatedStep(self.state(**changes))

    # ---- runs

    @property
    def halfway(self) -> int:
        """The steps before a run is stopped, and after: such that every phase runs in both where they are not given."""
        if "steps" in self._asked:
            return max(1, self.options.steps // 2)
        return next(filter(self._reaches_every_phase, range(2, LONGEST + 1)), SHORT)

    def _reaches_every_phase(self, halfway: int) -> bool:
        from zoo.engine.plan import choose_phases

        return all(
            any(map(phase.due, range(halfway))) and any(map(phase.due, range(halfway, 2 * halfway)))
            for phase in choose_phases(self.architecture, self.options)
        )

    def must_reach_every_phase(self) -> None:
        """Raise CheckSkipped where some phase does not run both before a run is stopped and after."""
        if not self._reaches_every_phase(self.halfway):
            raise CheckSkipped(
                f"of its phases some come at intervals that {self.halfway} steps before the stop and as many after do not "
                "hold; give more --steps"
            )

    def run(self, name: str) -> Run:
        """A real training into a folder of this name, with a checkpoint halfway; always with the same seed."""
        import zoo

        self.must_be_built()
        steps = max(2, self.options.steps) if "steps" in self._asked else 2 * self.halfway
        self.tell(self.spec, f"{steps} steps of zoo train, batches of {self.options.batch_size}")
        if name not in self._runs:
            options = self.options.model_dump() | {
                "data": str(self.data(self.spec)), "epochs": None, "kimg": None, "each_epoch": False, "steps": steps,
                "sample_every": self.halfway, "checkpoint_every": self.halfway, "keep_checkpoints": steps, "watch": (),
            }  # fmt: skip
            if options["device"] != "cpu":
                options["deterministic"] = True
            place = self.folder / name
            try:
                with self.own_cache():
                    self._runs[name] = zoo.train(
                        self.name, preset=self.preset, out=place, plugin_callbacks=False, notebook=False, **options
                    )
            except BaseException:
                shutil.rmtree(place, ignore_errors=True)  # another check may ask for the same run
                raise
        return self._runs[name]

    @contextmanager
    def own_cache(self) -> Iterator[None]:
        """Within it prepared data is kept in the folder of this subject, not in the person's cache."""
        with cache_in(self.folder / "cache"):
            yield


@contextmanager
def cache_in(folder: Path) -> Iterator[None]:
    """Within it `ZOO_CACHE` is that folder."""
    before = os.environ.get("ZOO_CACHE")
    os.environ["ZOO_CACHE"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["ZOO_CACHE"]
        else:
            os.environ["ZOO_CACHE"] = before
