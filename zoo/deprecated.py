"""Every name of the plugin API that has another name now. Each works for one version of the API more, with a warning.

1.1 renamed these; 2.0 will not have them.
"""

from __future__ import annotations

import warnings

RENAMED = {
    "zoo.Turn": "zoo.StepContext",
    "zoo.Watcher": "zoo.Callback",
    "Architecture.game": "Architecture.objective_for",
    "StepContext.judge": "StepContext.discriminate",
    "StepContext.judge_both": "StepContext.discriminate_both",
    "StepContext.turn": "StepContext.phase_step",
    "StepContext.penalised": "StepContext.penalty_due",
    **{
        f"zoo.{function}({old}=…)": f"zoo.{function}({new}"
        for function in ("train", "resume")
        for old, new in {
            "watchers": "callbacks=…)",
            "say": "callbacks=[…]) with an on_note",
            "preparing": "callbacks=[…]) with an on_prepare",
            "plugins_watch": "plugin_callbacks=…)",
        }.items()
    },
    "zoo.testing.PROMISES": "zoo.testing.CHECKS",
    "zoo.testing.Promise": "zoo.testing.Check",
    "zoo.testing.BrokenPromise": "zoo.testing.CheckFailed",
    "zoo.testing.NotChecked": "zoo.testing.CheckSkipped",
    "Outcome.promise": "Outcome.check",
    "Outcome.broken": "Outcome.failure",
    "Promise.outcome()": "Check.run()",
    "zoo.testing.check(promises=…)": "zoo.testing.check(only=…)",
    "the fixture promise": "zoo_check",
    "zoo_check.check()": "zoo_check.run()",
    "zoo check --promise": "zoo check --only",
}
"""Old name to new."""


def warn_deprecated(name: str, where: str = "", stacklevel: int = 2) -> None:
    """Warn that `name`, one of `RENAMED`, has another name now; `where` tells who uses it, `stacklevel` is of the caller."""
    used = f"{name} of {where}" if where else name
    warnings.warn(
        f"{used} is called {RENAMED[name]} since version 1.1 of zoo's plugin API; 2.0 will not have the old name",
        DeprecationWarning,
        stacklevel=stacklevel + 1,
    )
