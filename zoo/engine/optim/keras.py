"""Adam and RMSprop as Keras 3 writes them: the same rules as torch's, with epsilon in another place.

Where gradients are small, as those of a generator often are, the place decides how large a step is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from zoo.engine.optim.adam import FusedAdam
from zoo.engine.optim.lean import Optimizer


class KerasAdam(FusedAdam):
    """Adam with the "epsilon hat" of Kingma & Ba (2015, section 2): w ← w - rate · √(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (√v + ε).

    That is torch's rule, rate / (1 - β₁ᵗ) · m / (√v / √(1 - β₂ᵗ) + ε), with ε / √(1 - β₂ᵗ) for ε: so torch's fused kernel
    does the work. Takes the arguments of `FusedAdam`. `capturable` counts the updates on the device alone, in more kernels:
    torch's takes ε as a number, and a CUDA graph would repeat the number of the step in which it was captured.
    """

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        # The fused kernel would leave out an update that overflows in float16 without telling: it would be counted here.
        self._step_supports_amp_scaling = False
        self._epsilon = self.defaults["eps"]
        self._taken = 0

    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Take a step."""
        if self.defaults["capturable"]:
            return self._step_on_device()
        self._taken += 1  # counted here too, because torch counts on the device
        for group in self.param_groups:
            group["eps"] = self._epsilon / math.sqrt(1 - group["betas"][1] ** self._taken)
        return super().step(closure)

    @torch.no_grad()
    def _step_on_device(self) -> None:
        for group in self.param_groups:
            weights: list[Any] = []
            gradients: list[Any] = []
            means: list[Any] = []
            squares: list[Any] = []
            steps: list[Any] = []
            self._init_group(group, weights, gradients, means, squares, [], steps)  # type: ignore[no-untyped-call]
            if not weights:
                continue
            (beta1, beta2), decay = group["betas"], group["weight_decay"]
            if decay and group["decoupled_weight_decay"]:
                torch._foreach_mul_(weights, 1 - group["lr"] * decay)
            elif decay:
                gradients = list(torch._foreach_add(gradients, weights, alpha=decay))
            torch._foreach_add_(steps, 1)
            torch._foreach_lerp_(means, gradients, 1 - beta1)
            torch._foreach_mul_(squares, beta2)
            torch._foreach_addcmul_(squares, gradients, gradients, 1 - beta2)
            taken = steps[0].double()  # 1 - β₂ᵗ in float32 would have lost its digits
            rate = (group["lr"] * (1 - beta2**taken).sqrt() / (1 - beta1**taken)).to(weights[0].dtype)
            roots = torch._foreach_sqrt(squares)
            torch._foreach_add_(roots, self._epsilon)
            changes = torch._foreach_div(means, roots)
            torch._foreach_mul_(changes, rate)
            torch._foreach_sub_(weights, changes)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a `state_dict`."""
        super().load_state_dict(state_dict)
        self._taken = max((int(kept["step"]) for kept in self.state.values()), default=0)


class KerasRMSprop(Optimizer):
    """RMSprop (Hinton 2012) with epsilon under the root, and the rate inside the momentum.

    v ← ρ v + (1 - ρ) g²;  d = rate · g / √(v + ε);  w ← w - d, or with momentum u ← momentum · u + d;  w ← w - u.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        rate: float,
        rho: float,
        epsilon: float,
        weight_decay: float,
        momentum: float,
    ) -> None:
        defaults = {"lr": rate, "rho": rho, "eps": epsilon, "weight_decay": weight_decay, "momentum": momentum}
        super().__init__(parameters, defaults)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take a step."""
        for group in self.param_groups:
            weights = [parameter for parameter in group["params"] if parameter.grad is not None]
            if not weights:
                continue
            gradients = [parameter.grad for parameter in weights]
            if group["weight_decay"]:
                gradients = list(torch._foreach_add(gradients, weights, alpha=group["weight_decay"]))
            squares = self._kept(weights, "square_avg")
            torch._foreach_mul_(squares, group["rho"])
            torch._foreach_addcmul_(squares, gradients, gradients, 1 - group["rho"])
            roots = torch._foreach_add(squares, group["eps"])
            torch._foreach_sqrt_(roots)
            rate = group["lr"]
            if isinstance(rate, torch.Tensor):
                # Only the device may read it back: g / (√ / rate) is rate · g / √.
                torch._foreach_div_(roots, rate)
                rate = 1.0
            if group["momentum"]:
                velocities = self._kept(weights, "momentum_buffer")
                torch._foreach_mul_(velocities, group["momentum"])
                torch._foreach_addcdiv_(velocities, gradients, roots, rate)
                torch._foreach_sub_(weights, velocities)
            else:
                torch._foreach_addcdiv_(weights, gradients, roots, -rate)

    def _kept(self, weights: list[nn.Parameter], key: str) -> list[torch.Tensor]:
        """What is kept of each weight under `key`; zeros at first."""
        for parameter in weights:
            if key not in self.state[parameter]:
                self.state[parameter][key] = torch.zeros_like(parameter)
        return [self.state[parameter][key] for parameter in weights]
