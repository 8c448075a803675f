"""Whether all that a network is lies in its state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.testing.messages import some
from zoo.testing.outcome import CheckFailed, CheckSkipped

if TYPE_CHECKING:
    from torch import Tensor

    from zoo.testing.repeated_step import RepeatedStep
    from zoo.testing.subject import Subject

ADVICE = (
    "keep all that forward() uses in parameters and buffers (register_buffer), persistent ones, and nothing in plain attributes "
    "that change or are drawn at random"
)


def state(subject: Subject) -> None:
    """Its state goes through safetensors into new networks bit for bit, and these draw the same and train on the same."""
    from zoo.engine.checkpointing import load_state, networks, save_state
    from zoo.run.checkpoint import load_network, read_state, read_tensors, write_checkpoint
    from zoo.run.snapshot import NotFiniteError
    from zoo.testing.reproducibility import identical, must_be_reproducible

    trained = subject.repeated_step()
    for number in trained.numbers(2):
        trained.run(number)
    following = max(trained.numbers(2)) + 1
    folder = subject.folder / "state"
    try:
        write_checkpoint(folder, networks(trained.state), save_state(trained.state, following, 0.0))
    except NotFiniteError as error:
        raise CheckSkipped(f"{error}: see the check 'gradients'") from None

    new = subject.repeated_step(seed=(subject.options.seed + 1) % 2**63)
    new.batch, new.step.draw = trained.batch, trained.step.draw
    subject.given += ", networks built with another seed and given the state"
    for role, network in new.networks():
        load_network(network, read_tensors(folder, role), folder / f"{role}.safetensors", subject.name)
    load_state(new.state, read_state(folder))
    _compare(trained, new, "in the state")

    if not _alike(_draw(trained), _draw(new)):
        must_be_reproducible(subject)
        raise CheckFailed(
            "with the same state, the same latents and the same images the networks answer differently", ADVICE
        )
    for number in (following, following + 1):
        one, other = trained.run(number), new.run(number)
        if different := [name for name in one if not identical(one[name], other[name])]:
            must_be_reproducible(subject)
            shown = some([f"{name} is {float(one[name]):.9g} and {float(other[name]):.9g}" for name in different])
            raise CheckFailed(f"trained on, the old and the new networks part in step {number}: {shown}", ADVICE)
    _compare(trained, new, f"after step {following + 1}")


def _compare(one: RepeatedStep, other: RepeatedStep, where: str) -> None:
    """Raise CheckFailed where the state dicts are not the same, bit for bit."""
    from zoo.testing.reproducibility import identical

    different = []
    for (role, ours), (_, theirs) in zip(one.networks(), other.networks(), strict=True):
        found, wanted = theirs.state_dict(), ours.state_dict()
        different += [f"{role}.{name}" for name in wanted if not identical(wanted[name], found[name])]
    if different:
        raise CheckFailed(f"not the same {where}: {some(different)}", ADVICE)


def _draw(repeated: RepeatedStep) -> list[Tensor]:
    """What both networks answer in evaluation mode."""
    import torch

    from zoo.nn.modes import evaluating

    images, labels = repeated.batch
    given = (labels,) if repeated.step.classes else ()
    latents = torch.randn(len(images), repeated.step.options.latent, generator=torch.Generator().manual_seed(3)).to(
        images.device
    )
    torch.manual_seed(4)
    with torch.no_grad(), evaluating(repeated.step.generator), evaluating(repeated.step.discriminator):
        return [repeated.step.generator(latents, *given), repeated.step.discriminator(images, *given)]


def _alike(one: list[Tensor], other: list[Tensor]) -> bool:
    from zoo.testing.reproducibility import identical

    return all(identical(ours, theirs) for ours, theirs in zip(one, other, strict=True))
