"""A GAN of two dense layers that passes every check, and one for each check that fails it.

They are loaded as a plugin is, by the fixture `toys`.
"""

from __future__ import annotations

import random

import torch
from torch import nn

import zoo


class Generator(nn.Module):
    """Latents to images, with a hook for each toy."""

    def __init__(self, latent, data):
        super().__init__()
        self.hidden = zoo.nn.LinearAct(latent, 8, activation="leaky_relu", slope=0.2)
        self.out = nn.Linear(8, data.numel)
        self.shape = data.shape

    def forward(self, latents):
        return self.out(self.hidden(latents)).tanh().unflatten(1, self.shape)


class Discriminator(nn.Module):
    """Images to logits."""

    def __init__(self, data):
        super().__init__()
        self.hidden = zoo.nn.LinearAct(data.numel, 8, activation="leaky_relu", slope=0.2)
        self.out = nn.Linear(8, 1)

    def forward(self, images):
        return self.out(self.hidden(images.flatten(1)))


class Good(zoo.Architecture):
    """Two dense networks that pass every check."""

    name = "good"
    smallest_batch = 1

    class Options(zoo.Options):
        latent: int = 4
        """Length of the latent vector."""
        learning_rate: float = 0.01
        """Learning rate."""

    presets = {"quick": dict(steps=10)}
    preset_notes = {"quick": "Ten steps."}
    G = Generator
    D = Discriminator

    def generator(self, options, data):
        return self.G(options.latent, data)

    def discriminator(self, options, data):
        return self.D(data)


class Conditional(Good):
    """Two dense networks that both see the label."""

    name = "conditional"
    conditional = True

    class G(Generator):
        def __init__(self, latent, data):
            super().__init__(latent + 2, data)
            self.labels = nn.Embedding(data.classes, 2)

        def forward(self, latents, labels):
            return super().forward(torch.cat([latents, self.labels(labels)], 1))

    class D(Discriminator):
        def __init__(self, data):
            super().__init__(data)
            self.labels = nn.Embedding(data.classes, 1)

        def forward(self, images, labels):
            return super().forward(images) + self.labels(labels)


# ---- shapes


class WrongShape(Good):
    """Its images have one row too few where the size is odd."""

    name = "wrong-shape"

    class G(Generator):
        def forward(self, latents):
            images = super().forward(latents)
            return images[:, :, :-1] if images.shape[2] == 9 else images


class Bright(Good):
    """Its images are not held within [-1, 1]."""

    name = "bright"

    class G(Generator):
        def forward(self, latents):
            return self.out(self.hidden(latents)).unflatten(1, self.shape)


class ManyLogits(Good):
    """Its discriminator judges patches of images that are large."""

    name = "many-logits"

    class D(Discriminator):
        def forward(self, images):
            logits = super().forward(images)
            return logits.expand(-1, 4) if images.shape[2] == 28 else logits


class OneAtATime(Good):
    """In evaluation its generator needs more than one latent."""

    name = "one-at-a-time"

    class G(Generator):
        def forward(self, latents):
            if not self.training and len(latents) == 1:
                raise IndexError("one latent is too few")
            return super().forward(latents)


class NotANumber(Good):
    """Its discriminator divides by zero where images have colours."""

    name = "not-a-number"

    class D(Discriminator):
        def forward(self, images):
            spread = 1 if images.shape[1] == 1 else images.flatten(1)[:, :1] * 0
            return super().forward(images) / spread


class Pair(Good):
    """Its generator returns images and what it made them of."""

    name = "pair"

    class G(Generator):
        def forward(self, latents):
            return super().forward(latents), latents


class Forgetting(Good):
    """Its discriminator returns nothing."""

    name = "forgetting"

    class D(Discriminator):
        def forward(self, images):
            super().forward(images)


class Flat(Good):
    """Its images are rows of numbers."""

    name = "flat"

    class G(Generator):
        def forward(self, latents):
            return super().forward(latents).flatten(1)


class Narrow(Good):
    """Its discriminator takes other images than its generator makes."""

    name = "narrow"

    class D(Discriminator):
        def forward(self, images):
            return self.out(self.hidden(images.flatten(1)[:, 1:]))


class Frozen(Good):
    """Its generator has nothing to learn."""

    name = "frozen"

    def generator(self, options, data):
        return super().generator(options, data).requires_grad_(False)


class Worded(Good):
    """Its phases are words."""

    name = "worded"

    def phases(self, options):
        return ["discriminator", "generator"]


class NoModule(Good):
    """It forgets to return its generator."""

    name = "no-module"

    def generator(self, options, data):
        super().generator(options, data)


# ---- gradients


class OneByOne(Good):
    """Its discriminator takes no more than five images while it trains."""

    name = "one-by-one"

    class D(Discriminator):
        def forward(self, images):
            if self.training and len(images) > 5:
                raise IndexError("too many")
            return super().forward(images)


class Undefined(Good):
    """Its generator makes what is no number, of all that it is given."""

    name = "undefined"

    class G(Generator):
        def forward(self, latents):
            return super().forward(latents) / 0 * 0


class Detached(Good):
    """A layer of its generator is cut off from its gradient."""

    name = "detached"

    class G(Generator):
        def forward(self, latents):
            return self.out(self.hidden(latents).detach()).tanh().unflatten(1, self.shape)


class Unused(Good):
    """Its discriminator has a parameter that nothing reads."""

    name = "unused"

    class D(Discriminator):
        def __init__(self, data):
            super().__init__(data)
            self.scale = nn.Parameter(torch.ones(3))


class Zeros(Good):
    """A parameter of its discriminator never matters."""

    name = "zeros"

    class D(Discriminator):
        def __init__(self, data):
            super().__init__(data)
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, images):
            return super().forward(images) + 0 * self.scale


class Slopeless(Good):
    """Its generator takes the root of zero, which has no finite slope."""

    name = "slopeless"

    class G(Generator):
        def __init__(self, latent, data):
            super().__init__(latent, data)
            self.extra = nn.Parameter(torch.zeros(1))

        def forward(self, latents):
            return super().forward(latents) * (1 - self.extra.square().sqrt())


# ---- labels


class BlindGenerator(Conditional):
    """Its generator does not look at the label."""

    name = "blind-generator"

    class G(Generator):
        def forward(self, latents, labels):
            return super().forward(latents)


class BlindDiscriminator(Conditional):
    """Its discriminator tells the first label from the others, and no more."""

    name = "blind-discriminator"

    class D(Conditional.D):
        def forward(self, images, labels):
            return super().forward(images, labels.clamp(max=1))

        def __init__(self, data):
            super().__init__(data)


class BlindInNoise(Conditional):
    """Its generator does not look at the label, and draws noise of its own."""

    name = "blind-in-noise"

    class G(Generator):
        def forward(self, latents, labels):
            return super().forward(latents + 0.1 * torch.rand_like(latents))


class BlindWithDropout(Conditional):
    """Its discriminator does not look at the label, and drops out in evaluation too."""

    name = "blind-with-dropout"

    class D(Discriminator):
        def forward(self, images, labels):
            return super().forward(nn.functional.dropout(images, 0.2, True))


class ZeroEmbeddings(Conditional):
    """What it knows of labels begins at zero, and it passes every check."""

    name = "zero-embeddings"

    class G(Conditional.G):
        def __init__(self, latent, data):
            super().__init__(latent, data)
            nn.init.zeros_(self.labels.weight)

    class D(Conditional.D):
        def __init__(self, data):
            super().__init__(data)
            nn.init.zeros_(self.labels.weight)


# ---- learning


class Uphill(torch.autograd.Function):
    """The identity, whose gradient has the wrong sign."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return -gradient


class WrongWay(Good):
    """Its discriminator goes uphill."""

    name = "wrong-way"

    class D(Discriminator):
        def forward(self, images):
            return (
                super().forward(images) if not self.out.weight.requires_grad else Uphill.apply(super().forward(images))
            )


class WrongWayGenerator(Good):
    """Its generator goes uphill."""

    name = "wrong-way-generator"

    class G(Generator):
        def forward(self, latents):
            return Uphill.apply(super().forward(latents))


class NeverUpdated(Good):
    """No phase updates its generator."""

    name = "never-updated"

    def phases(self, options):
        return [zoo.Phase("discriminator")]


# ---- a batch of one


class NeedsTwo(Good):
    """It says that one image is enough, and normalises over the batch."""

    name = "needs-two"

    class D(Discriminator):
        def __init__(self, data):
            super().__init__(data)
            self.normalise = nn.BatchNorm1d(8)

        def forward(self, images):
            return self.out(self.normalise(self.hidden(images.flatten(1))))


class SpreadOfOne(Good):
    """It says that one image is enough, and divides by the number of the others."""

    name = "spread-of-one"

    class D(Discriminator):
        def forward(self, images):
            logits = super().forward(images)
            return logits * (len(logits) - 1) / (len(logits) - 1) if self.training else logits


class Four(Good):
    """It compares images in groups of four, and says so; it passes every check."""

    name = "four"
    smallest_batch = 4

    class D(Discriminator):
        def forward(self, images):
            hidden = self.hidden(images.flatten(1))
            spread = hidden.view(-1, 4, 8).var(1, unbiased=False).mean(1)
            return self.out(hidden) + spread.repeat_interleave(4)[:, None]


class Clumsy(Good):
    """A batch of one image is a mistake of its own."""

    name = "clumsy"

    class D(Discriminator):
        def forward(self, images):
            if len(images) == 1:
                raise IndexError("no second image")
            return super().forward(images)


# ---- half precision


class OnlySingle(Good):
    """Its generator writes what it computes into a float32 tensor."""

    name = "only-single"

    class G(Generator):
        def forward(self, latents):
            hidden = self.hidden(latents)
            sums = torch.zeros(len(latents), 8).index_add(0, torch.arange(len(latents)), hidden)
            return self.out(sums).tanh().unflatten(1, self.shape)


# ---- native and reference


class AsksWhoServes(Good):
    """Its generator computes something else where the kernels are native."""

    name = "asks-who-serves"

    class G(Generator):
        def forward(self, latents):
            native = zoo.ops.status()["bias_act"]["cpu"]["served_by"] == "native"
            return super().forward(latents) * (0.5 if native else 1.0)


# ---- state


class Forgetful(Good):
    """A random projection of its discriminator is in no buffer."""

    name = "forgetful"

    class D(Discriminator):
        def __init__(self, data):
            super().__init__(data)
            self.projection = torch.randn(8)

        def forward(self, images):
            return self.out(self.hidden(images.flatten(1)) * self.projection)


class LossyState(Good):
    """Its state dict is rounded."""

    name = "lossy-state"

    class G(Generator):
        def state_dict(self, *arguments, **keywords):
            state = super().state_dict(*arguments, **keywords)
            return {name: value.half() for name, value in state.items()}


# ---- the same seed


class Dicey(Good):
    """Its loss is weighed with a number of Python's own dice."""

    name = "dicey"

    def phases(self, options):
        return [zoo.Phase("discriminator"), zoo.Phase("generator", loss=weighed)]


def weighed(turn):
    loss, found = turn.default_loss()
    return loss * random.uniform(0.5, 1.0), found


# ---- resume


class Counting(Good):
    """Its generator draws brighter each time it draws, by a count that begins anew when a run goes on."""

    name = "counting"

    class G(Generator):
        def __init__(self, latent, data):
            super().__init__(latent, data)
            self.count = 0

        def forward(self, latents):
            self.count += not self.training
            return super().forward(latents) * (1 - 0.5 ** (1 + self.count))


class CountingNetwork(Good):
    """Its generator counts how often it has trained, in a plain number."""

    name = "counting-network"

    class G(Generator):
        def __init__(self, latent, data):
            super().__init__(latent, data)
            self.count = 0

        def forward(self, latents):
            self.count += self.training
            return super().forward(latents) * (1 - 0.5 ** (1 + self.count))


class Lazy(Good):
    """A loss that counts runs every sixteen steps."""

    name = "lazy"
    every = 16

    def __init__(self):
        self.count = 0

    def phases(self, options):
        seldom = zoo.Phase("discriminator", loss=self.counted, every=self.every, offset=self.every - 1)
        return [zoo.Phase("discriminator"), seldom, zoo.Phase("generator")]

    def counted(self, turn):
        self.count += 1
        loss, found = turn.default_loss()
        return loss * self.count, found


class Lazier(Lazy):
    """The same every thousand steps."""

    name = "lazier"
    every = 1000


class NoPhases(Good):
    """It does nothing in a step."""

    name = "no-phases"

    def phases(self, options):
        return []


# ---- what is said of it


class Undocumented(Good):
    """One of its options has no sentence."""

    name = "undocumented"

    class Options(Good.Options):
        width: int = 8


class Nameless(Good):
    name = "nameless"


class Terse(Good):
    """A GAN."""

    name = "terse"


class EmptyNote(Good):
    """It has nothing to say of its preset."""

    name = "empty-note"
    preset_notes = {"quick": ""}


# ---- presets


class Misfit(Good):
    """One of its presets sets what no option is."""

    name = "misfit"
    presets = {"quick": dict(steps=10), "slow": dict(step=10**6)}


class Unbuildable(Good):
    """One of its presets is of a size that its networks cannot have."""

    name = "unbuildable"
    presets = {"quick": dict(steps=10), "large": dict(size=30)}

    def sizes(self, options):
        return range(8, 29)


class Unsuited(Good):
    """The preset that it names for colours is none."""

    name = "unsuited"

    def preset_for(self, data):
        return "quick" if data.channels == 1 else "colour"


class Misplayed(Good):
    """The objective of its preset is none."""

    name = "misplayed"
    presets = {"quick": dict(objective="nope")}
    default_preset = "quick"


class BadDefault(Good):
    """The preset that is meant where none is named sets what no option is."""

    name = "bad-default"
    presets = {"quick": dict(step=10), "slow": dict(steps=100)}
    preset_notes = {}
    default_preset = "quick"


class Patient(Good):
    """It wants a hundred steps."""

    name = "patient"
    presets = {}
    preset_notes = {}

    class Options(Good.Options):
        skip: bool = False
        """Connections from each block to the one after the next, which is what networks call this."""

        def model_post_init(self, context):
            if self.steps < 100:
                raise ValueError("steps: a hundred or more")


# ---- torch.compile


class Uncompilable(Good):
    """Its discriminator computes something else in a graph."""

    name = "uncompilable"

    class D(Discriminator):
        def forward(self, images):
            return super().forward(images) * (2.0 if torch.compiler.is_compiling() else 1.0)


class Penalised(Good):
    """A penalty on its discriminator's slope, which torch.compile cannot differentiate."""

    name = "penalised"

    def phases(self, options):
        return [zoo.Phase("discriminator", loss=penalised), zoo.Phase("generator")]


def penalised(turn):
    loss, found = turn.default_loss()
    real = turn.real.requires_grad_()
    (slope,) = torch.autograd.grad(turn.discriminate(real, turn.labels).sum(), real, create_graph=True)
    return loss + slope.square().sum(), found


class Raising(Good):
    """Its loss fails."""

    name = "raising"

    def phases(self, options):
        return [zoo.Phase("discriminator", loss=failing), zoo.Phase("generator")]


def failing(turn):
    return turn.objectives  # no such thing


class ForgotAFile(Good):
    """It reads a file that it did not bring."""

    name = "forgot-a-file"

    def generator(self, options, data):
        with open("weights-that-are-not-there.bin"):
            return super().generator(options, data)


WATCHED = []
"""The runs that this plugin was asked to watch."""


@zoo.hookimpl
def zoo_training_callbacks(run):
    WATCHED.append(run)
    return []


TOYS = [value for value in list(globals().values()) if isinstance(value, type) and issubclass(value, zoo.Architecture)]


@zoo.hookimpl
def zoo_register_architectures(register):
    for toy in TOYS:
        register(toy)
