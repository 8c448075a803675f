"""A fresh process that is ``zoo train …`` up to the end of its first step: python first_step.py BEGAN REPORT ARGUMENTS…

BEGAN is time.time() just before the process was started. Writes to the file REPORT, as JSON, the seconds since then at which
each part was done, in order.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BEGAN = float(sys.argv[1])
done: dict[str, float] = {}


def mark(part: str) -> None:
    done.setdefault(part, time.time() - BEGAN)


mark("Python")
import zoo.cli.train  # noqa: E402
from zoo.cli.importing import importing  # noqa: E402
from zoo.plugins.registry import registry  # noqa: E402

registry().architecture(sys.argv[3])
mark("command line, plugins")
with importing():
    import torch  # noqa: F401

    mark("torch")
    import zoo.cli.progress
    import zoo.engine.step
    import zoo.engine.train

    mark("engine, native core")


def around(owner: Any, name: str, before: str, after: str) -> None:
    """Mark the first call of a function."""
    function: Callable[..., Any] = getattr(owner, name)

    def marked(*args: Any, **kwargs: Any) -> Any:
        mark(before)
        result = function(*args, **kwargs)
        mark(after)
        return result

    setattr(owner, name, marked)


around(zoo.engine.train, "assemble", "options, data", "networks built and tried, optimisers")
around(zoo.engine.step.Step, "run", "run's folder, first pictures", "first step")
zoo.cli.train.run(sys.argv[3:])
Path(sys.argv[2]).write_text(json.dumps(done), "utf-8")
