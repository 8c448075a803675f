"""What evaluating costs a training: the time of an evaluation beside that of the steps between two.

    python benchmarks/evaluation.py [dcgan --evaluate-every 500 --data digits]

Steps and evaluations take turns, so that both see the same machine; medians, and their ratio, which is to be at most 2 %. Wall
time, and the processors' time in brackets, which others on the machine disturb less.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

from zoo.engine.build import build, prepare_data
from zoo.engine.evaluation.prepare import prepare_evaluations
from zoo.engine.plan import plan_run

STEPS = 20
"""Steps that are timed at once."""


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """Seconds that a call takes: on the wall, and of the processors."""
    wall, processors = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - processors


def main() -> None:
    """Measure, and print a line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", default="dcgan")
    parser.add_argument("--data", default="digits")
    parser.add_argument("--evaluate-every", type=int, default=500)
    parser.add_argument("--metric", nargs="*", default=[])
    parser.add_argument("--turns", type=int, default=9)
    given = parser.parse_args()
    flags = {
        "data": given.data,
        "device": "cpu",
        "evaluate_every": given.evaluate_every,
        "evaluate_metric": given.metric,
    }
    plan = plan_run(given.name, flags=flags)
    state = build(plan, prepare_data(plan))
    prepare_evaluations(plan, state)
    evaluations = state.evaluations
    assert evaluations is not None
    done = 0

    def steps() -> None:
        nonlocal done
        for _ in range(STEPS):
            state.run(done)
            done += 1

    def evaluate() -> None:
        assert evaluations.evaluate(done, plan.device) is not None

    steps(), evaluate()  # what comes once
    turns = [(timed(steps), timed(evaluate)) for _ in range(given.turns)]
    found = []
    for clock in (0, 1):
        step = statistics.median(one[clock] for one, _ in turns) / STEPS
        evaluation = statistics.median(other[clock] for _, other in turns)
        found.append((step, evaluation, evaluation / (given.evaluate_every * step)))
    (step, evaluation, share), (cpu_step, cpu_evaluation, cpu_share) = found
    print(
        f"{given.name} on {given.data}: {evaluations.progress.samples:,} samples; "
        f"a step {1000 * step:.1f} ms ({1000 * cpu_step:.1f}), "
        f"an evaluation {1000 * evaluation:.0f} ms ({1000 * cpu_evaluation:.0f}): {share:.2%} ({cpu_share:.2%}) of the training"
    )
    state.batches.close()


if __name__ == "__main__":
    main()
