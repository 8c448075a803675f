"""What the networks learn from each other."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from zoo.options.base import Count, Group, Names, Rate, Share


class ObjectiveOptions(Group):
    """What the networks learn from each other."""

    objective: str | None = None
    """What the networks minimise, by name: non_saturating, minimax, least_squares, hinge, wasserstein, relativistic, or what a
    plugin brings (zoo plugins); by default the architecture's own."""
    latent: Annotated[int, Field(ge=1, le=65536)] = 100
    """Length of the latent vector."""
    latent_distribution: Literal["normal", "uniform", "unit"] = "normal"
    """Latents from N(0, 1), uniform in [-1, 1), or (unit) uniform in [0, 1)."""
    discriminator_steps: Count = 1
    """Discriminator updates before each generator update."""
    joined: bool = False
    """Show the discriminator real and fake images as one batch with one mean loss, instead of as two batches."""
    reuse_fakes: bool = False
    """Let the generator's update use the fakes of the discriminator's update again instead of drawing new ones: faster."""
    simultaneous: bool = False
    """Update both networks at once, from one pass of the discriminator over the same fakes, in place of one after the other:
    about a tenth less to compute; the generator does not answer to the discriminator's newest weights."""
    evaluate_fakes: bool = False
    """Draw the discriminator's fakes with the generator in evaluation mode (running statistics), as Keras' predict does."""
    r1: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the gradient penalty that keeps D from learning small data sets by heart (Mescheder et al. 2018); 0 for none."""
    r2: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the same penalty at generated images (R2, Mescheder et al. 2018): with the relativistic objective and --r1 it is
    what R3GAN converges with; 0 for none."""
    r1_every: Count = 4
    """Steps between two penalties (R1 and R2), each of which then weighs that many times as much."""
    augment: Names = ()
    """Random changes of all that the discriminator sees, real and generated, so that it cannot learn few images by heart: names of
    augmentations that plugins bring (zoo plugins)."""
    augment_probability: Annotated[float, Field(ge=0, le=1)] | None = None
    """Probability with which each augmentation changes an image, each by itself: 1 by default, and with --augment-target what it
    begins at, 0 by default."""
    augment_target: Annotated[float, Field(gt=-1, lt=1)] | None = None
    """Let the probability follow r_t, the mean sign of D's output for real images, towards this: up where D is surer of them, else
    down (ADA, Karras et al. 2020, whose target is 0.6); by default it stays as it is."""
    augment_kimg: Rate = 500.0
    """Thousands of images in which the probability that follows goes from 0 to 1; fewer for short trainings."""
    ema: Share = 0.999
    """Decay per step of the running average of the generator's weights that samples are drawn with; 0 for none."""
    ema_kimg: Rate | None = None
    """The same as a half-life, in thousands of real images, whatever the batch size; it takes the place of --ema."""
    ema_rampup: Annotated[float, Field(ge=0)] = 0.05
    """With --ema-kimg: the half-life is at most this share of the images seen so far, so that the average of a young run is not
    held back by its random start (Karras et al. 2020); 0 for no such bound."""

    @property
    def averages(self) -> bool:
        """Whether there is a running average of the generator's weights."""
        return self.ema > 0 or self.ema_kimg is not None
