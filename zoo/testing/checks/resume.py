"""Whether a run that was stopped goes on as if it had not been."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from zoo.testing.messages import some
from zoo.testing.outcome import CheckFailed, CheckSkipped

if TYPE_CHECKING:
    from zoo.testing.subject import Subject


def resume(subject: Subject) -> None:
    """A run that was stopped goes on exactly: the same numbers and pictures as one that was not, bit for bit."""
    import zoo
    from zoo.testing.comparing import run_differences

    whole = subject.run("one")
    part = subject.folder / "resumed"
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(whole.path, part)
    for step, folder in zoo.Run(part).checkpoints:
        if step > subject.halfway:
            shutil.rmtree(folder)  # as after a crash
    with subject.own_cache():
        found = run_differences(whole, zoo.resume(part, plugin_callbacks=False, notebook=False))
    if not found:
        subject.must_reach_every_phase()
        return
    if run_differences(whole, subject.run("another")):
        raise CheckSkipped("two runs with the same seed differ already: see the check 'seed'")
    subject.given += f", stopped after {subject.halfway}, and zoo resume"
    raise CheckFailed(
        f"the resumed run differs from the whole one in {some(found)}",
        "keep what changes during training in parameters and buffers; a count or an average in a plain attribute of a network, "
        "a loss or the architecture begins anew when a run goes on (context.number of a zoo.StepContext is the step)",
    )
