"""The training engine: the only place that calls ``backward()`` and ``optimizer.step()``."""
