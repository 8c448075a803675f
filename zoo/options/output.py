"""What a run writes, and what watches it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from zoo.options.base import Count, Group, Names


class OutputOptions(Group):
    """What a run writes, and what watches it."""

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
    report: bool = True
    """A page on the run when it is finished: report.html."""
    watch: Names = ()
    """Who else is to watch the run, by name: tensorboard, or what another plugin brings."""
