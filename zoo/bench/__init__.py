"""Measures the ops and whole training steps, side by side with what one would use instead.

`workloads` says what is measured, `contenders` with what, `measure` how; `sidebyside` and `training` put them together,
`goals` and `report` tell. Nothing else in `zoo` imports this package but ``zoo bench``, which is `zoo.cli.bench`; the suites of
`benchmarks/` run the same code under pytest-benchmark.
"""
