"""Which options of a run may be others when it goes on, and why the rest may not."""

from __future__ import annotations

from zoo.options import GROUPS, Options

CHANGEABLE = (
    "flip", "drop_remainder", "strict",
    "steps", "epochs", "kimg", "batch_size", "generator_batch_size", "accumulate",
    "precision", "deterministic",
    "discriminator_steps", "joined", "reuse_fakes", "simultaneous", "evaluate_fakes", "r1", "r2", "r1_every", "augment",
    "augment_probability", "augment_target", "augment_kimg", "ema", "ema_kimg", "ema_rampup",
    "learning_rate", "discriminator_learning_rate", "beta1", "beta2", "rho", "epsilon", "weight_decay",
    "schedule", "schedule_hold", "schedule_decay", "minimum_learning_rate", "warmup", "freeze_d",
    "burn_in", "final_learning_rate", "final_beta2", "final_r1", "final_r2",
    "log_every", "sample_every", "checkpoint_every", "each_epoch", "keep_checkpoints", "report", "watch",
    "on_trouble", "heal_times", "latent_seed",
    "evaluate_every", "evaluate_metric", "evaluate_samples", "keep_best", "stop_after_no_gain",
)  # fmt: skip
"""Options that a run may go on with other values of. (--data, --device and --capture are `zoo.resume`'s own: content decides on
the first, and the others change no number.)"""

_NETWORKS = "the networks are built for it"
_IMAGES = "it decides which images the run learns from"
_SEEN = "by it is known which images of an epoch have been seen"
_OPTIMIZER = "what the optimiser keeps of each weight goes by it"

_REASONS = {
    "size": _NETWORKS,
    "channels": _NETWORKS,
    "latent": _NETWORKS,
    "latent_distribution": "the generator has learnt from such latents",
    "order": _SEEN,
    "balance": _SEEN,
    "shuffle_buffer": _SEEN,
    "seed": "weights, latents and the order of the data come of it",
    "objective": "what the discriminator's output means goes by it",
    "optimizer": _OPTIMIZER,
    "epsilon_style": _OPTIMIZER,
    "momentum": _OPTIMIZER,
    "final_momentum": _OPTIMIZER,
    "momentum_steps": _OPTIMIZER,
    "nesterov": _OPTIMIZER,
    "samples": "the pictures of a run show the same latents from its beginning to its end",
}


def why_fixed(name: str) -> str:
    """Why that option of a run, which is not among `CHANGEABLE`, stays as it is."""
    if name not in Options.model_fields:
        return "it is the architecture's own, and may decide what its networks are"
    return _REASONS.get(name, _IMAGES if name in GROUPS["data"].model_fields else "a run keeps it to its end")
