"""Derivatives by one step into the complex plane: f(x + ih·d) = f(x) + ih·f'(x)d + O(h²).

Nothing is subtracted, so h can be so small that only rounding is left (Squire & Trapp 1998). Every function of the oracle
is analytic between its kinks and takes complex numbers; applied to a gradient, the step gives second derivatives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from oracle.draws import Array

Arrays = dict[str, Array]
STEP = 1e-30


def along(function: Callable[[Arrays], Arrays], point: Mapping[str, Array], direction: Mapping[str, Array]) -> Arrays:
    """How the results of `function` change when `point` moves in `direction`, which may name some inputs only."""
    moved = {name: value + 1j * STEP * direction[name] if name in direction else value for name, value in point.items()}
    return {name: np.imag(value) / STEP for name, value in function(moved).items()}
