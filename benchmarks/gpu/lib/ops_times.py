"""Each op on the device alone, without the time that Python takes: calls are recorded in a CUDA graph and replayed, over several
sets of tensors in turn, so that no set is still in the L2 cache. Beside it eager PyTorch, torch.compile and a copy of as much.

--only-zoo: neither eager nor compiled. --label WORD: what the results are called. --compile N: how many workloads are compiled.
"""

from __future__ import annotations

import argparse
import os
import statistics
import traceback
from collections.abc import Callable
from dataclasses import dataclass

import torch
from common import need_device, tell
from torch.nn import functional

from zoo import ops

DEVICE = need_device()
SPAN = 300e6  # bytes that one round over all sets touches at least
PASSES = {"batch_norm_act": {"forward": 3, "forward+backward": 8}, "bias_act": {"forward": 2, "forward+backward": 5}}


@dataclass(frozen=True)
class Case:
    op: str
    shape: tuple[int, ...]
    dtype: torch.dtype = torch.float32
    last: bool = True

    @property
    def name(self) -> str:
        layout = "" if len(self.shape) < 4 else " channels_last" if self.last else " contiguous"
        return f"{self.op} {'x'.join(map(str, self.shape))} {str(self.dtype)[6:]}{layout}"


half = torch.bfloat16
CASES = [
    Case("batch_norm_act", (128, 64, 32, 32)),
    Case("batch_norm_act", (1024, 64, 32, 32)),
    Case("batch_norm_act", (1024, 64, 32, 32), half),
    Case("batch_norm_act", (128, 64, 32, 32), half),
    Case("bias_act", (1024, 64, 32, 32)),
    Case("bias_act", (1024, 64, 32, 32), half),
    Case("batch_norm_act", (128, 128, 16, 16)),
    Case("batch_norm_act", (128, 256, 8, 8)),
    Case("batch_norm_act", (128, 512, 4, 4)),
    Case("bias_act", (128, 64, 32, 32)),
    Case("bias_act", (128, 3, 64, 64)),
    Case("discriminator_loss", (128,)),
    Case("generator_loss", (128,)),
    Case("batch_norm_act", (1024, 64, 32, 32), torch.float32, False),
    Case("batch_norm_act", (1024, 64, 32, 32), half, False),
    Case("bias_act", (1024, 3, 64, 64), half, False),
    Case("discriminator_loss", (1 << 22,)),
    Case("batch_norm_act", (128, 128, 16, 16), half),
]


def functions(case: Case) -> dict[str, Callable[..., torch.Tensor]]:
    """What competes: each maps (x, weight, bias) to a result, or logits to a loss."""
    channels = case.shape[1] if len(case.shape) > 1 else 1
    mean, var = torch.zeros(channels, device=DEVICE), torch.ones(channels, device=DEVICE)
    view = (1, -1) + (1,) * (len(case.shape) - 2)
    if case.op == "batch_norm_act":
        return {
            "zoo": lambda x, w, b: ops.batch_norm_act(x, w, b, mean, var, activation="leaky_relu", slope=0.2),
            "eager": lambda x, w, b: functional.leaky_relu_(functional.batch_norm(x, mean, var, w, b, True), 0.2),
            "compile": lambda x, w, b: functional.leaky_relu(functional.batch_norm(x, mean, var, w, b, True), 0.2),
        }
    if case.op == "bias_act":
        return {
            "zoo": lambda x, w, b: ops.bias_act(x, b, "leaky_relu", 0.2),
            "eager": lambda x, w, b: functional.leaky_relu_(x + b.to(x.dtype).view(view), 0.2),
            "compile": lambda x, w, b: functional.leaky_relu(x + b.to(x.dtype).view(view), 0.2),
        }
    zero, one = torch.zeros(case.shape, device=DEVICE), torch.ones(case.shape, device=DEVICE)
    if case.op == "discriminator_loss":

        def eager(x, w, b):
            return functional.binary_cross_entropy_with_logits(x, one) + functional.binary_cross_entropy_with_logits(
                w, zero
            )

        return {"zoo": lambda x, w, b: ops.discriminator_loss(x, w).loss, "eager": eager, "compile": eager}

    def eager(x, w, b):
        return functional.binary_cross_entropy_with_logits(x, one)

    return {"zoo": lambda x, w, b: ops.generator_loss(x).loss, "eager": eager, "compile": eager}


def inputs(case: Case, count: int) -> list[tuple[torch.Tensor, ...]]:
    def tensor() -> torch.Tensor:
        x = torch.randn(case.shape, device=DEVICE).to(case.dtype)
        return x.contiguous(memory_format=torch.channels_last) if case.last and x.dim() == 4 else x

    loss = case.op.endswith("loss")
    channels = case.shape[1] if len(case.shape) > 1 else 1
    made = []
    for _ in range(count):
        x, dy = tensor(), tensor()
        w = tensor() if loss else torch.ones(channels, device=DEVICE)
        made.append((x, w, torch.zeros(channels, device=DEVICE), torch.ones((), device=DEVICE) if loss else dy))
    return made


def seconds(work: Callable[[], None], calls: int) -> float:
    """Of one of `calls` calls that `work` makes, replayed as a graph."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    graph.replay()
    torch.cuda.synchronize()
    times = []
    for _ in range(25):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        graph.replay()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) / 1e3)
    del graph
    return statistics.median(times) / calls


def measure(case: Case, names: list[str], label: str) -> None:
    size = torch.tensor([], dtype=case.dtype).element_size()
    numel = 1
    for n in case.shape:
        numel *= n
    small = numel * size < 1e6
    count = 16 if small else int(min(12, max(1, -(-SPAN // (numel * size * 2)))))
    made = inputs(case, count)
    found: dict[str, dict[str, float]] = {}
    functions_ = functions(case)
    plain = [[t.detach() for t in each[:3]] for each in made]
    leaves = [[t.detach().requires_grad_() for t in each[:3]] for each in made]
    for name in names:
        try:
            if name == "copy":
                targets = [torch.empty_like(each[0]) for each in made]
                found["forward"] = {
                    **found.get("forward", {}),
                    "copy": seconds(
                        lambda targets=targets: [t.copy_(e[0]) for t, e in zip(targets, made, strict=True)], count
                    ),
                }
                continue
            function = functions_[name]
            if name == "compile":
                torch.compiler.reset()
                function = torch.compile(function, dynamic=False, fullgraph=True)

            def forward(function=function) -> None:
                for each in plain:
                    function(*each)

            def both(function=function) -> None:
                for each, upstream in zip(leaves, made, strict=False):
                    wanted = [
                        t
                        for t, used in zip(
                            each,
                            (True, case.op != "bias_act" and case.op != "generator_loss", case.op in PASSES),
                            strict=False,
                        )
                        if used
                    ]
                    torch.autograd.grad(function(*each), wanted, upstream[3])

            for direction, work in (("forward", forward), ("forward+backward", both)):
                with torch.set_grad_enabled(direction != "forward"):
                    found.setdefault(direction, {})[name] = seconds(work, count)
        except Exception as error:
            tell("op not measured", case=case.name, contender=name, why=f"{type(error).__name__}: {str(error)[:200]}")
            traceback.print_exc(limit=3)
    copy = found.get("forward", {}).get("copy")
    for direction in ("forward", "forward+backward"):
        times = found.get(direction, {})
        if "zoo" not in times:
            continue
        passes = PASSES.get(case.op, {}).get(direction)
        facts = {f"{name}_us": t * 1e6 for name, t in times.items()}
        facts |= {f"{name}_over_zoo": t / times["zoo"] for name, t in times.items() if name not in ("zoo", "copy")}
        if passes and copy:
            facts["share_of_copy_bandwidth"] = passes * copy / 2 / times["zoo"]
            facts["zoo_gb_per_s"] = passes * numel * size / times["zoo"] / 1e9
        tell("op", case=case.name, direction=direction, label=label, **facts)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only-zoo", action="store_true")
    parser.add_argument("--label", default="zoo")
    parser.add_argument("--compile", type=int, default=5)
    given = parser.parse_args()
    if DEVICE != "cuda":
        print("CUDA graphs are what is timed here: no such on", DEVICE)
        raise SystemExit(3)
    cases = [c for c in CASES if not given.only_zoo or c.op == "batch_norm_act"]
    for case in cases:
        measure(case, ["copy", "zoo"] + ([] if given.only_zoo else ["eager"]), given.label)
        torch.cuda.empty_cache()
    for plan in ("block", "cooperative", "split") if not given.only_zoo else ():
        os.environ["ZOO_CUDA_PLAN"] = plan
        for case in (cases[0], cases[6], cases[7], cases[8]):
            measure(case, ["copy", "zoo"], f"plan {plan}")
    os.environ.pop("ZOO_CUDA_PLAN", None)
    if not given.only_zoo:
        for case in cases[: given.compile]:  # last, for it takes longest
            measure(case, ["copy", "zoo", "compile"], "beside torch.compile")


if __name__ == "__main__":
    main()
