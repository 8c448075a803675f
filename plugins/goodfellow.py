"""The two games of Goodfellow et al. 2014 (https://arxiv.org/abs/1406.2661), for the architectures that play them."""

from __future__ import annotations

from typing import Literal

import zoo


class Options(zoo.Options):
    """What the choice between them adds to the options of an architecture."""

    objective: Literal["non_saturating", "minimax"] = "non_saturating"
    """What G learns: to be taken for real (non_saturating), or the other side of D's own loss, as in the paper's equation 1
    (minimax), from which it learns little while D is sure of its fakes. D learns the same in both."""
