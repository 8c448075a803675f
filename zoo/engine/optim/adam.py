"""Adam and AdamW as one fused kernel over all parameters, in whatever layout they lie."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from zoo.engine.optim import lean


class FusedAdam(lean.Adam):
    """torch's Adam (Kingma & Ba 2015) by torch's own fused kernel; `decoupled` is AdamW's weight decay (Loshchilov & Hutter 2019).

    The kernel walks through memory, and copies what does not lie contiguous there and back. Weights that lie channels last
    are shown to it in the order in which they lie, so that nothing is copied. What is kept of each parameter is what torch's
    class keeps.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        rate: float,
        betas: tuple[float, float],
        epsilon: float,
        weight_decay: float,
        decoupled: bool,
        capturable: bool = False,
    ) -> None:
        super().__init__(
            parameters, rate, betas, epsilon, weight_decay,
            fused=True, decoupled_weight_decay=decoupled, capturable=capturable,
        )  # fmt: skip

    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Take a step."""
        if closure is not None or not all(map(_is_plain, self.param_groups)):
            return super().step(closure)
        with torch.no_grad():
            for group in self.param_groups:
                self._update(group)
        return None

    def _update(self, group: dict[str, Any]) -> None:
        parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
        if not parameters:
            return
        layouts = [_layout(parameter) for parameter in parameters]
        kept = [self._kept(parameter, layout) for parameter, layout in zip(parameters, layouts, strict=True)]

        def rows(tensors: Iterable[Any]) -> list[Tensor]:
            return [_as_it_lies(tensor, layout) for tensor, layout in zip(tensors, layouts, strict=True)]

        steps = [each["step"] for each in kept]
        overflow = getattr(self, "found_inf", None)
        torch._foreach_add_(steps, 1)
        kernel: Any = torch._fused_adamw_ if group["decoupled_weight_decay"] else torch._fused_adam_
        kernel(
            rows(parameters), rows(parameter.grad for parameter in parameters), rows(each["exp_avg"] for each in kept),
            rows(each["exp_avg_sq"] for each in kept), [], steps,
            lr=group["lr"], beta1=group["betas"][0], beta2=group["betas"][1], eps=group["eps"],
            weight_decay=group["weight_decay"], amsgrad=False, maximize=False,
            grad_scale=getattr(self, "grad_scale", None), found_inf=overflow,
        )  # fmt: skip
        if overflow is not None:  # the kernel has left this update out
            torch._foreach_sub_(steps, [overflow] * len(steps))

    def _kept(self, parameter: nn.Parameter, layout: torch.memory_format) -> dict[str, Tensor]:
        kept: dict[str, Tensor] = self.state[parameter]
        if not kept:
            kept["step"] = torch.zeros((), dtype=torch.float32, device=parameter.device)
            kept["exp_avg"], kept["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        for name in ("exp_avg", "exp_avg_sq"):  # a state that was loaded by hand may lie otherwise
            kept[name] = kept[name].contiguous(memory_format=layout)
        return kept


def _is_plain(group: dict[str, Any]) -> bool:
    """Whether one call of the kernel serves the group: one device and type, no gaps in memory, no sparse gradients."""
    given = [parameter for parameter in group["params"] if parameter.grad is not None]
    return len({(each.device, each.dtype) for each in given}) <= 1 and not any(
        parameter.grad.is_sparse or not parameter.is_contiguous(memory_format=_layout(parameter)) for parameter in given
    )


def _layout(parameter: Tensor) -> torch.memory_format:
    return torch.contiguous_format if parameter.dim() != 4 or parameter.is_contiguous() else torch.channels_last


def _as_it_lies(tensor: Tensor, layout: torch.memory_format) -> Tensor:
    """A contiguous view of a tensor in this layout."""
    tensor = tensor.contiguous(memory_format=layout)
    return tensor.permute(0, 2, 3, 1) if layout == torch.channels_last else tensor
