"""Whether torch.compile leaves it what it is."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

from zoo.testing.attribution import machine
from zoo.testing.messages import some
from zoo.testing.outcome import CheckFailed, CheckSkipped

if TYPE_CHECKING:
    from zoo.testing.subject import Subject

ADVICE = (
    "within forward(), do nothing that a graph cannot hold or that depends on being compiled; torch.compile(network)(inputs) alone "
    "shows the error whole"
)


PENALTIES = "but for penalties on gradients, which torch.compile cannot differentiate twice"


def compiled(subject: Subject) -> str | None:
    """With both networks under torch.compile a step gives the losses and gradients that it gives without."""
    import torch

    from zoo.system.compiling import obstacle, reason

    if why := obstacle():
        raise CheckSkipped(why)
    from torch._inductor import config  # only where it can be imported

    torch.compiler.reset()
    remark = PENALTIES if subject.options.penalties else None
    try:
        with warnings.catch_warnings(), config.patch(fallback_random=True):  # the same random numbers as without
            warnings.simplefilter("ignore")  # the compiler's own
            try:
                _compare(subject, own_losses=True)
            except RuntimeError as error:
                # In channels last torch stumbles over the layout before it comes to say so.
                if not any(words in str(error) for words in ("double backward", "leaf Variable that requires grad")):
                    raise
                remark = PENALTIES + ": the objective's losses were used in place of its own"
                _compare(subject, own_losses=False)
    except (CheckFailed, CheckSkipped):
        raise
    except Exception as error:
        if machine(error, subject.plugin):
            raise
        # The places in the code that was being compiled, where they are told.
        places = re.findall(r'File "([^"]+)", line (\d+)', str(error))
        where = f" ({places[-1][0]}:{places[-1][1]})" if places else ""
        raise CheckFailed(reason(error) + where, ADVICE) from error
    finally:
        torch.compiler.reset()
    return remark


def _compare(subject: Subject, own_losses: bool) -> None:
    """Run a step without and with torch.compile.

    What is compiled cannot be differentiated twice, which gradient penalties ask for: so there is neither R1 nor R2, and without
    its `own_losses` an architecture has the losses of its objective alone.
    """
    from zoo.testing.reproducibility import must_be_reproducible
    from zoo.testing.tolerance import TOLERANCE, apart, measure

    eager, compiled = (subject.repeated_step(precision="float32", r1=0.0, r2=0.0).frozen() for _ in range(2))
    subject.given += ", both networks under torch.compile"
    if not own_losses:
        for repeated in (eager, compiled):
            repeated.step.phases = [replace(phase, loss=None) for phase in repeated.step.phases]
        subject.given += ", without penalties on gradients"
    for _, network in compiled.networks():
        network.compile(dynamic=False)
    for number in eager.numbers():
        if off := apart(measure(eager, number), measure(compiled, number)):
            must_be_reproducible(subject)
            raise CheckFailed(
                f"without and with torch.compile, in step {number}: {some(off)} (tolerance: {TOLERANCE})", ADVICE
            )
