"""Adam (Kingma & Ba 2015, algorithm 1): both moments corrected for their start at zero, eps outside the root.

Or as Keras has it (the paper's section 2, last lines): the correction of both in the rate, eps beside the raw root.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from oracle.draws import Array


class Adam:
    """Keeps the moments of the parameters it has seen, and how often it has stepped."""

    def __init__(self, beta1: float = 0.5, beta2: float = 0.999, eps: float = 1e-8, style: str = "torch") -> None:
        self.beta1, self.beta2, self.eps, self.style = beta1, beta2, eps, style
        self.steps = 0
        self.means: dict[str, Array] = {}
        self.squares: dict[str, Array] = {}

    def step(self, state: dict[str, Array], gradients: Mapping[str, Array], rate: float) -> None:
        """Replaces the parameters that have gradients."""
        self.steps += 1
        for name, gradient in gradients.items():
            mean = self.beta1 * self.means.get(name, 0.0) + (1 - self.beta1) * gradient
            square = self.beta2 * self.squares.get(name, 0.0) + (1 - self.beta2) * gradient**2
            self.means[name], self.squares[name] = mean, square
            if self.style == "keras":
                corrected = rate * np.sqrt(1 - self.beta2**self.steps) / (1 - self.beta1**self.steps)
                state[name] = state[name] - corrected * mean / (np.sqrt(square) + self.eps)
                continue
            unbiased = mean / (1 - self.beta1**self.steps)
            root = np.sqrt(square / (1 - self.beta2**self.steps))
            state[name] = state[name] - rate * unbiased / (root + self.eps)
