"""What the autograd of every op shares.

Two ways lead to it. An eager call applies the family's function straight away, which spares it one trip through the
dispatcher; torch.compile, torch.export and direct calls of torch.ops.zoo arrive through the kernels that `register` binds
to the Autograd key. A backward that is itself being differentiated (create_graph=True) leaves the native kernels for closed
forms in plain PyTorch, so that nothing is ever silently detached; so does everything under forward-mode derivatives and the
transforms of torch.func.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from zoo.ops.library import bind, definitions, transforming

# What torch's own custom operators use to reach their kernels from within their autograd functions.
below_autograd: Callable[[], Any] = torch._C._AutoDispatchBelowAutograd


def register(
    name: str,
    kernel: Callable[..., Any],
    fake: Callable[..., Any],
    function: Callable[..., Any],
    transparent: Callable[..., Any] | None = None,
) -> None:
    """Makes an op of the table callable everywhere; once per process.

    Args:
        name: the op, without its namespace.
        kernel: what the dispatcher calls on a device for which no native kernel has been loaded.
        fake: the same for tensors without data: shapes, dtypes and layouts only.
        function: what is called where a graph is wanted.
        transparent: plain PyTorch, differentiable in every way, for what looks inside; `kernel` by default.
    """
    operator = getattr(torch.ops.zoo, name).default
    bind(name, kernel, "CompositeExplicitAutograd")
    torch.library.register_fake(f"zoo::{name}", fake, lib=definitions)
    bind(name, dispatched(operator, function, transparent or kernel), "Autograd")


def dispatched(operator: Any, function: Callable[..., Any], transparent: Callable[..., Any]) -> Callable[..., Any]:
    """What the Autograd key calls: `function` where a graph is wanted, the kernel below where not, and where a
    forward-mode derivative or torch.func looks inside, `transparent`, which is plain PyTorch."""

    def kernel(*arguments: Any) -> Any:
        if transforming():
            return transparent(*arguments)
        if torch.is_grad_enabled() and any(isinstance(a, Tensor) and a.requires_grad for a in arguments):
            return function(*arguments)
        with below_autograd():
            return operator(*arguments)

    return kernel


def with_options(function: type[torch.autograd.Function], tensors: int, *between: Any) -> Callable[..., Any]:
    """The function applied to the arguments of its op, of which the first `tensors` are tensors."""
    apply: Any = function.apply

    def call(*arguments: Any) -> Any:
        return apply(*arguments[:tensors], *between, arguments[tensors:])

    return call


def differentiating() -> bool:
    """Whether a backward pass is itself differentiated, so that it must be made of what autograd sees."""
    return torch.is_grad_enabled() or transforming()


def wants(ctx: Any, index: int) -> bool:
    """Whether the backward pass under way wants the gradient of this input."""
    return ctx.needs_input_grad[index] and _is_wanted(ctx.next_functions[index][0])


def _is_wanted(node: Any) -> bool:
    """Whether the backward pass under way goes on to this node.

    `ctx.needs_input_grad` says yes for the discriminator's parameters in the generator's step as well, where
    backward(inputs=...) leaves them out.
    """
    try:
        return bool(torch._C._will_engine_execute_node(node))
    except RuntimeError:  # torch.autograd.grad asks for a leaf, about which the engine does not answer
        return True
