"""LSGAN: DCGAN's networks, playing for least squares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator
from zoo_plugins.dcgan import DCGAN, DIGITS, PICTURE_NOTES, PICTURES, RADFORD64, ConvolutionalOptions, Networks

import zoo

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class LeastSquares(zoo.Objective):
    """Least squares in which each mean of squares weighs `weight`; the paper, and so `zoo.Objective`, has one half."""

    weight: float = 0.5

    def discriminator_loss(self, real_logits: Tensor, fake_logits: Tensor, *, scale: float) -> tuple[Tensor, Tensor]:
        return super().discriminator_loss(real_logits, fake_logits, scale=2 * self.weight * scale)

    def generator_loss(self, fake_logits: Tensor, *, scale: float) -> tuple[Tensor, Tensor]:
        return super().generator_loss(fake_logits, scale=2 * self.weight * scale)


def with_least_squares(preset: Mapping[str, Any]) -> dict[str, Any]:
    """DCGAN's preset for this objective: half of its rates, five times its penalty, as slopes are small between 0 and 1."""
    names = ("learning_rate", "discriminator_learning_rate")
    return {**preset, **{name: preset[name] / 2 for name in names}, "r1": 5 * preset["r1"]}


class LSGAN(DCGAN):
    """Least squares GAN (Mao et al. 2017): D's output is a number near b for real images and near a for fakes."""

    name = "lsgan"
    smallest_batch = 1  # under every preset what is normalised are planes

    class Options(ConvolutionalOptions):
        networks: Literal[Networks, "folder64"] = "dcgan"  # type: ignore[assignment]  # one more than DCGAN has
        """Which networks: the DCGAN paper's rules at any size, or those of a preset of the same name (here or of dcgan)."""
        a: float = 0.0
        """What D is to say of fakes."""
        b: float = 1.0
        """What D is to say of real images."""
        c: float = 1.0
        """What G wants D to say of fakes."""
        loss_weight: Annotated[float, Field(gt=0)] = 0.5
        """What each mean of squares is multiplied with: one half in the paper, 1 where a plain mean squared error is meant."""
        by_turns: bool = False
        """D learns in even steps and G in odd ones (counted from 0), instead of both in every step."""
        skip_below: Annotated[float, Field(ge=0)] | None = None
        """Leave D as it is in the steps in which its loss is not above this, so that G can catch up."""

        @model_validator(mode="after")
        def _has_something_to_tell_apart(self) -> LSGAN.Options:
            if self.a == self.b:
                raise ValueError(f"a and b are both {self.a:g}, so D has nothing to tell apart; give two numbers")
            return self

    presets = {
        "paper": dict(DIGITS),
        **{name: with_least_squares(preset) for name, preset in PICTURES.items()},
        "paper64": dict(RADFORD64),
        "pearson": dict(DIGITS, a=-1.0, b=1.0, c=0.0),
        "folder64": dict(
            networks="folder64", size=64, channels=3, fit="stretch", width=64, latent=100, batch_size=10,
            order="sequential", drop_remainder=False, learning_rate=1e-3, beta1=0.9, beta2=0.999, loss_weight=1.0,
            by_turns=True, skip_below=0.1, ema=0.0, each_epoch=True, epochs=100,
        ),
    }  # fmt: skip
    preset_notes = {
        "paper": "Mao et al. 2017, equation 9 (a=0, b=c=1), on dcgan's networks and training for digits.",
        **{name: f"dcgan's preset of that name, with least squares. {note}" for name, note in PICTURE_NOTES.items()},
        "paper64": "The same on dcgan's radford64, with biases.",
        "pearson": "Mao et al. 2017, equation 8 (a=-1, b=1, c=0), which minimises the Pearson chi-square divergence.",
        "folder64": "A PyTorch notebook: sigmoids at both ends, D and G by turns, D skipped at 0.1; --epochs 10000 for its length. "
        "Turns run on from epoch to epoch, and D sees every picture (the document's sees only every other batch). The document "
        "shuffles and throws the result away; --order shuffle is what it means. D outruns G at its rate; --learning-rate 2e-4 "
        "--beta1 0.5, DCGAN's, draws sooner.",
    }
    default_preset = "paper"

    def objective_for(self, options: Options) -> LeastSquares:
        return LeastSquares("least_squares", a=options.a, b=options.b, c=options.c, weight=options.loss_weight)

    def phases(self, options: Options) -> Sequence[zoo.Phase]:
        every = 2 if options.by_turns else 1
        changes: dict[str, dict[str, Any]] = {
            "discriminator": dict(every=every, skip_below=options.skip_below),
            "generator": dict(every=every, offset=every - 1),
        }
        return [replace(phase, **changes[phase.updates]) for phase in super().phases(options)]

    def sizes(self, options: Options) -> Sequence[int] | None:
        return (64,) if options.networks == "folder64" else super().sizes(options)

    def generator(self, options: Options, data: zoo.DataSpec) -> nn.Module:
        if options.networks != "folder64":
            return super().generator(options, data)
        from zoo_plugins.lsgan import networks

        return networks.generator(options.latent, options.width, data.channels)

    def discriminator(self, options: Options, data: zoo.DataSpec) -> nn.Module:
        if options.networks != "folder64":
            return super().discriminator(options, data)
        from zoo_plugins.lsgan import networks

        return networks.discriminator(options.width, data.channels)


@zoo.hookimpl
def zoo_register_architectures(register: Callable[[type[zoo.Architecture]], None]) -> None:
    register(LSGAN)
