"""The options of a training run: their types, defaults and meaning, declared once for Python, files and flags.

Field docstrings are the help texts of ``zoo train NAME --help``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]


class Options(BaseModel):
    """What every architecture's training run takes. Subclass it inside an architecture to add options of its own."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False, validate_default=True
    )

    # ---- data
    data: str = "digits"
    """What to learn from: 'digits' (built in), IDX files, a folder of images, a CIFAR folder, a .npy or .npz file."""
    size: Annotated[int, Field(ge=4, le=4096)] | None = None
    """Height and width of the images in pixels; by default the data's own size, or the nearest that the networks take."""
    channels: Literal[1, 3] | None = None
    """Make the images grey (1) or colour (3); by default as the data is."""
    fit: Literal["crop", "stretch"] = "crop"
    """How an image of another shape fits: crop keeps its aspect and takes the middle, stretch squeezes the whole of it in."""
    flip: bool = False
    """Mirror each image left to right with probability one half."""
    order: Literal["shuffle", "buffer", "sequential", "slice"] = "shuffle"
    """How batches are drawn: each image once per epoch in random order, shuffled in a buffer that moves through the data, in
    the data's order, or as a slice from a random place."""
    shuffle_buffer: Count = 1000
    """order buffer: how many images wait in the buffer, from which each next one is drawn at random (tf.data's shuffle)."""
    drop_remainder: bool = True
    """Leave out the images at the end of an epoch that do not fill a batch; without it they are a smaller batch."""
    strict: bool = False
    """Stop at the first image that cannot be read, instead of skipping it."""

    # ---- length
    steps: Annotated[int, Field(ge=1, le=10**9)] = 5000
    """Training steps."""
    epochs: Rate | None = None
    """Length in passes over the data; where it is given it takes the place of --steps."""
    batch_size: Annotated[int, Field(ge=1, le=65536)] = 64
    """Real images in each discriminator update."""
    generator_batch_size: Annotated[int, Field(ge=1, le=65536)] | None = None
    """Images drawn in each generator update; by default as many as --batch-size."""
    accumulate: Annotated[int, Field(ge=1, le=4096)] = 1
    """Batches whose gradients are added up before each update."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Seed of everything random: weights, latents, order of the data, dropout."""

    # ---- where and how
    device: Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")] = "auto"
    """auto, cpu, mps, cuda or cuda:N; auto takes a GPU where there is one."""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """Arithmetic of the networks' passes; weights stay float32. float16 scales the loss."""
    capture: bool = False
    """On a CUDA GPU, record a whole step as a graph and replay it: the hundreds of kernels of a step start with one call, which
    saves small networks most of their time. The numbers are the same, unless networks or losses count in Python."""
    deterministic: bool = False
    """On a GPU, use only algorithms that give the same numbers every time (a CPU always does)."""

    # ---- the game
    objective: str | None = None
    """The game, by name: non_saturating, minimax, least_squares, hinge, wasserstein, or one that a plugin brings (zoo plugins);
    by default the architecture's own."""
    latent: Annotated[int, Field(ge=1, le=65536)] = 100
    """Length of the latent vector."""
    latent_distribution: Literal["normal", "uniform", "unit"] = "normal"
    """Latents from N(0, 1), uniform in [-1, 1), or (unit) uniform in [0, 1)."""
    discriminator_steps: Count = 1
    """Discriminator updates before each generator update."""
    joined: bool = False
    """Show the discriminator real and fake images as one batch with one mean loss, instead of as two batches."""
    reuse_fakes: bool = False
    """Let the generator's update judge the fakes of the discriminator's update again instead of drawing new ones: faster."""
    simultaneous: bool = False
    """Update both networks at once, from one pass of the discriminator over the same fakes, in place of one after the other:
    about a tenth less to compute; the generator does not answer to the discriminator's newest weights."""
    evaluate_fakes: bool = False
    """Draw the discriminator's fakes with the generator in evaluation mode (running statistics), as Keras' predict does."""
    r1: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the gradient penalty that keeps D from learning small data sets by heart (Mescheder et al. 2018); 0 for none."""
    r1_every: Count = 4
    """Steps between two penalties, each of which then weighs that many times as much."""
    augment: tuple[str, ...] = ()
    """Random changes of all that the discriminator sees, real and generated, so that it cannot learn few images by heart: names of
    augmentations that plugins bring (zoo plugins)."""
    ema: Share = 0.999
    """Decay per step of the running average of the generator's weights that samples are drawn with; 0 for none."""

    # ---- optimisers
    optimizer: Literal["adam", "adamw", "rmsprop", "sgd"] = "adam"
    """Optimiser of both networks."""
    learning_rate: Rate = 2e-4
    """Learning rate."""
    discriminator_learning_rate: Rate | None = None
    """Learning rate of the discriminator, if it is to differ."""
    beta1: Share = 0.5
    """Adam: decay of the mean of the gradients."""
    beta2: Share = 0.999
    """Adam: decay of the mean of their squares."""
    momentum: Share = 0.0
    """SGD and RMSprop: momentum."""
    final_momentum: Share | None = None
    """SGD and RMSprop: what the momentum is at the end of --momentum-steps, where it is to change."""
    momentum_steps: Annotated[int, Field(ge=0)] = 0
    """Steps over which the momentum goes from --momentum to --final-momentum, in a straight line."""
    nesterov: bool = False
    """SGD: Nesterov's momentum."""
    rho: Share = 0.99
    """RMSprop: decay of the mean of the squared gradients."""
    epsilon: Rate = 1e-8
    """Adam and RMSprop: what is added to the root in the denominator."""
    epsilon_style: Literal["torch", "keras"] = "torch"
    """Where epsilon stands: as torch has it, or as Keras has it (RMSprop: under the root; Adam: outside the bias correction)."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Weight decay."""
    schedule: Literal["constant", "linear", "cosine", "inverse_time", "exponential"] = "constant"
    """Learning rate over time: constant, falling to zero (linear, cosine), divided by 1 + decay · step (inverse_time), or
    divided by the decay at each step (exponential)."""
    schedule_hold: Share = 0.0
    """linear and cosine: share of the steps before the learning rate begins to fall."""
    schedule_decay: Annotated[float, Field(ge=0)] = 0.0
    """inverse_time: decay per step. exponential: what the learning rate is divided by at each step, such as 1.00004."""
    minimum_learning_rate: Annotated[float, Field(ge=0)] = 0.0
    """The learning rate never falls below this, whatever the schedule."""
    warmup: Annotated[int, Field(ge=0)] = 0
    """Steps over which the learning rate first rises from zero."""

    # ---- what is kept
    log_every: Count = 50
    """Steps between two lines of metrics.jsonl."""
    sample_every: Count = 500
    """Steps between two sample grids."""
    samples: Annotated[int, Field(ge=1, le=4096)] = 64
    """Images in each grid."""
    checkpoint_every: Count = 1000
    """Steps between two checkpoints."""
    each_epoch: bool = False
    """A sample grid and a checkpoint at the end of each pass over the data, instead of every so many steps."""
    keep_checkpoints: Count = 2
    """Checkpoints kept; older ones are removed."""
    watch: tuple[str, ...] = ()
    """Who else is to watch the run, by name: tensorboard, or what another plugin brings."""

    @field_validator("watch", "augment", mode="before")
    @classmethod
    def _names(cls, given: object) -> object:
        """One text is names between commas, as people write them in a file; a list may hold such texts too."""
        given = [given] if isinstance(given, str) else given
        if not (isinstance(given, list | tuple) and all(isinstance(name, str) for name in given)):
            return given
        return tuple(part.strip() for name in given for part in name.split(",") if part.strip())

    @model_validator(mode="after")
    def _consistent(self) -> Options:
        """Raise ValueError for values that contradict each other, with the way out."""
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0; add --momentum 0.9")
        if self.final_momentum is not None and not (self.momentum and self.momentum_steps):
            raise ValueError(
                "final_momentum is where the momentum ends: it needs a --momentum above 0 to begin with, "
                "and --momentum-steps to get there"
            )
        if self.momentum_steps and self.final_momentum is None:
            raise ValueError("momentum_steps needs a --final-momentum, which the momentum has after so many steps")
        same = "simultaneous" if self.simultaneous else "reuse_fakes" if self.reuse_fakes else None
        clashes, ways_out = [], []
        if same and self.evaluate_fakes:
            clashes.append("evaluate_fakes, whose fakes are not those that the generator learns from")
            ways_out.append("--no-evaluate-fakes")
        if self.simultaneous and self.joined:
            clashes.append("joined, whose batch is the discriminator's alone")
            ways_out.append("--no-joined")
        drawn = self.generator_batch_size
        if same and drawn is not None and drawn != self.batch_size:
            clashes.append("another number of fakes for the generator")
            ways_out.append(f"--generator-batch-size {self.batch_size}")
        if clashes:
            raise ValueError(
                f"{same} excludes {'; '.join(clashes)}: give {' '.join(ways_out)}, or --no-{str(same).replace('_', '-')}"
            )
        if self.order == "slice" and not self.drop_remainder:
            raise ValueError("a slice is always a whole batch; give --drop-remainder, or another --order")
        if self.schedule == "exponential" and self.schedule_decay < 1:
            raise ValueError(
                "schedule exponential divides the learning rate by --schedule-decay at each step, which is to be "
                "1 or more; try 1.00004"
            )
        if self.minimum_learning_rate > min(self.learning_rate, self.discriminator_learning_rate or self.learning_rate):
            raise ValueError("minimum_learning_rate is above the learning rate itself; lower it")
        return self
