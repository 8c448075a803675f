"""Whether torch.compile leaves it what it is."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

from zoo.testing.outcome import BrokenPromise, NotChecked
from zoo.testing.wording import some

if TYPE_CHECKING:
    from zoo.testing.subject import Subject

ADVICE = (
    "within forward(), do nothing that a graph cannot hold or that depends on being compiled; torch.compile(network)(inputs) alone "
    "shows the error whole"
)


def compiled(subject: Subject) -> None:
    """With both networks under torch.compile a step gives the losses and gradients that it gives without."""
    import torch

    from zoo.compiling import obstacle, reason

    if why := obstacle():
        raise NotChecked(why)
    from torch._inductor import config  # only where it can be imported

    torch.compiler.reset()
    try:
        with warnings.catch_warnings(), config.patch(fallback_random=True):  # the same random numbers as without
            warnings.simplefilter("ignore")  # the compiler's own
            try:
                _compare(subject, own_losses=True)
            except RuntimeError as error:
                if "double backward" not in str(error):
                    raise
                _compare(subject, own_losses=False)
    except (BrokenPromise, NotChecked):
        raise
    except Exception as error:
        places = re.findall(
            r'File "([^"]+)", line (\d+)', str(error)
        )  # of the code that was being compiled, where it is told
        where = f" ({places[-1][0]}:{places[-1][1]})" if places else ""
        raise BrokenPromise(reason(error) + where, ADVICE) from error
    finally:
        torch.compiler.reset()


def _compare(subject: Subject, own_losses: bool) -> None:
    """Play a step without and with torch.compile.

    What is compiled cannot be differentiated twice, which gradient penalties ask for: so there is no R1, and without its
    `own_losses` an architecture plays its objective alone.
    """
    from zoo.architecture import Phase
    from zoo.testing.nearness import TOLERANCE, apart, measure
    from zoo.testing.steadiness import must_be_steady

    eager, compiled = (subject.rehearsal(precision="float32", r1=0.0).still() for _ in range(2))
    subject.given += ", both networks under torch.compile"
    if not own_losses:
        eager.step.phases = compiled.step.phases = [Phase("discriminator"), Phase("generator")]
        subject.given += ", without penalties on gradients"
    for _, network in compiled.networks():
        network.compile(dynamic=False)
    for number in eager.numbers():
        if off := apart(measure(eager, number), measure(compiled, number)):
            must_be_steady(subject)
            raise BrokenPromise(
                f"without and with torch.compile, in step {number}: {some(off)} (tolerance: {TOLERANCE})", ADVICE
            )
