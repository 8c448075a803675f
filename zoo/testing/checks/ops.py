"""Whether kernels and references serve alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.testing.messages import some
from zoo.testing.outcome import CheckFailed, CheckSkipped

if TYPE_CHECKING:
    from zoo.testing.subject import Subject


def ops(subject: Subject) -> None:
    """A step with the native ops gives the losses and gradients of the same step with their references."""
    from zoo.ops import references, status
    from zoo.testing.reproducibility import must_be_reproducible
    from zoo.testing.tolerance import TOLERANCE, apart, measure

    device = "cuda" if subject.options.device.startswith("cuda") else "cpu"
    serving = [row.get(device, {}) for row in status().values()]
    if not any(entry.get("served_by") == "native" for entry in serving):
        raise CheckSkipped(
            f"the references serve on {device} anyway: {serving[0].get('why', 'there are no kernels for it')}"
        )
    with references():
        plain = subject.repeated_step(precision="float32").frozen()
        expected = {number: measure(plain, number) for number in plain.numbers()}
    native = subject.repeated_step(precision="float32").frozen()
    for number in native.numbers():
        if found := apart(expected[number], measure(native, number)):
            must_be_reproducible(subject)
            raise CheckFailed(
                f"with references and with native ops, in step {number}: {some(found)} (tolerance: {TOLERANCE})",
                "compute with zoo.nn and zoo.ops alone what they serve, and nothing that depends on who serves them or that "
                "magnifies rounding; zoo doctor --check tries the ops by themselves",
            )
