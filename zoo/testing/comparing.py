"""What two runs differ in, bit for bit: `zoo.run.comparing`, where tests look for it."""

from zoo.run.comparing import TIMING, differences, run_differences, tensors, untimed

__all__ = ["TIMING", "differences", "run_differences", "tensors", "untimed"]
