"""The step of keras_worker.py on JAX: one jitted function of everything that changes, through Keras' stateless calls."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

Variables = list[Any]
State = tuple[Any, ...]
"""(trainable, other variables and the optimiser's) of G, the same of D, and the key of the random numbers."""


def limit_threads(count: int) -> None:
    """Before JAX is imported. NPROC is what sizes the pool of XLA's CPU client; no more is to be had."""
    os.environ["NPROC"] = str(count)
    os.environ["JAX_PLATFORMS"] = "cpu"
    if count == 1:
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false"


def stepper(
    generator: Any, discriminator: Any, way: str, real: np.ndarray, labels: np.ndarray | None
) -> Callable[[], None]:
    """One step of both networks; it returns when it is done."""
    import jax
    import keras

    optimizers = [keras.optimizers.Adam(2e-4, beta_1=0.5) for _ in range(2)]
    state: State = (jax.random.key(0),)
    for network, optimizer in zip((generator, discriminator), optimizers, strict=True):
        optimizer.build(network.trainable_variables)
        kinds = network.trainable_variables, network.non_trainable_variables, optimizer.variables
        state += (tuple([variable.value for variable in kind] for kind in kinds),)
    play = {"alternating": alternating, "simultaneous": simultaneous}[way]
    step = jax.jit(play(generator, discriminator, *optimizers), donate_argnums=0)
    images, given = jax.numpy.asarray(real), [] if labels is None else [jax.numpy.asarray(labels)]

    def once() -> None:
        nonlocal state
        state, _ = jax.block_until_ready(step(state, images, *given))

    return once


def alternating(generator: Any, discriminator: Any, for_g: Any, for_d: Any) -> Callable[..., Any]:
    """D's update, then G's through the D that has learnt, from one forward pass of G."""
    import jax

    def step(state: State, real: Any, *labels: Any) -> tuple[State, Any]:
        key, (g, g_other, g_adam), (d, d_other, d_adam) = state
        key, fake, back_to_g, g_other = drawn(generator, key, g, g_other, len(real), labels)

        def d_loss(d: Variables) -> tuple[Any, Variables]:
            real_logits, other = discriminator.stateless_call(d, d_other, [real, *labels], training=True)
            fake_logits, other = discriminator.stateless_call(d, other, [fake, *labels], training=True)
            return towards(1, real_logits) + towards(0, fake_logits), other

        (lost_d, d_other), gradients = jax.value_and_grad(d_loss, has_aux=True)(d)
        d, d_adam = for_d.stateless_apply(d_adam, gradients, d)

        def g_loss(fake: Any) -> tuple[Any, Variables]:
            logits, other = discriminator.stateless_call(d, d_other, [fake, *labels], training=True)
            return towards(1, logits), other

        (lost_g, d_other), slope = jax.value_and_grad(g_loss, has_aux=True)(fake)
        g, g_adam = for_g.stateless_apply(g_adam, back_to_g(slope)[0], g)
        return (key, (g, g_other, g_adam), (d, d_other, d_adam)), (lost_d, lost_g)

    return step


def simultaneous(generator: Any, discriminator: Any, for_g: Any, for_d: Any) -> Callable[..., Any]:
    """Both updates from one pass of D over the fakes."""
    import jax

    def step(state: State, real: Any, *labels: Any) -> tuple[State, Any]:
        key, (g, g_other, g_adam), (d, d_other, d_adam) = state
        key, fake, back_to_g, g_other = drawn(generator, key, g, g_other, len(real), labels)

        def on_real(d: Variables) -> tuple[Any, Variables]:
            logits, other = discriminator.stateless_call(d, d_other, [real, *labels], training=True)
            return towards(1, logits), other

        (lost_real, d_other), from_real = jax.value_and_grad(on_real, has_aux=True)(d)

        def on_fakes(d: Variables, fake: Any) -> tuple[Any, Variables]:
            return discriminator.stateless_call(d, d_other, [fake, *labels], training=True)

        logits, back_through_d, d_other = jax.vjp(on_fakes, d, fake, has_aux=True)
        lost_fake, for_d_slope = jax.value_and_grad(lambda logits: towards(0, logits))(logits)
        lost_g, for_g_slope = jax.value_and_grad(lambda logits: towards(1, logits))(logits)
        gradients = jax.tree.map(jax.numpy.add, from_real, back_through_d(for_d_slope)[0])
        g, g_adam = for_g.stateless_apply(g_adam, back_to_g(back_through_d(for_g_slope)[1])[0], g)
        d, d_adam = for_d.stateless_apply(d_adam, gradients, d)
        return (key, (g, g_other, g_adam), (d, d_other, d_adam)), (lost_real + lost_fake, lost_g)

    return step


def drawn(generator: Any, key: Any, g: Variables, other: Variables, count: int, labels: tuple[Any, ...]) -> State:
    """The next key, fakes, the way back from their gradient to G's, and what the pass changed of G."""
    import jax
    from keras_networks import LATENT

    key, now = jax.random.split(key)
    latents = jax.random.normal(now, (count, LATENT))
    fake, back, other = jax.vjp(
        lambda g: generator.stateless_call(g, other, [latents, *labels], training=True), g, has_aux=True
    )
    return key, fake, back, other


def towards(target: int, logits: Any) -> Any:
    """The mean cross-entropy of logits with one target, 0 or 1."""
    import jax

    return jax.nn.softplus(-logits if target else logits).mean()
