"""What a review suspects, one question each; every answer is a line. Each in a process of its own: some leave it in a bad state."""

from __future__ import annotations

import subprocess
import sys

import torch
from common import need_device, tell

need_device()


def failed_capture() -> dict[str, object]:
    """After a capture that was broken by waiting for the device: memory of other streams, a second capture, random numbers."""
    from zoo.engine.graphs.cuda_graphs import CudaGraphs

    device = torch.device("cuda")
    graphs, copies = CudaGraphs(device), torch.cuda.Stream(device)
    torch.rand(1, device=device)

    def growth() -> float:
        """MiB that 30 tensors of 8 MiB hold, each made on one stream and used on another, and long dropped."""
        for _ in range(3):
            torch.empty(1, device=device)
        before = torch.cuda.memory_stats()["active_bytes.all.current"]
        for _ in range(30):
            with torch.cuda.stream(copies):
                t = torch.empty(8 << 20, dtype=torch.uint8, device=device)
            t.record_stream(torch.cuda.current_stream())
            del t
            torch.cuda.synchronize()
        torch.empty(1, device=device)
        return (torch.cuda.memory_stats()["active_bytes.all.current"] - before) / 2**20

    found: dict[str, object] = {"mib_kept_before": growth()}
    x = torch.zeros(4, device=device)
    try:
        with graphs.stream():
            x += 1
            graphs.capture(lambda: x.sum().item())
        found["capture"] = "went through?"
    except Exception as error:
        found["capture"] = f"{type(error).__name__}: {str(error).splitlines()[0][:90]}"
    found["mib_kept_after"] = growth()
    for name, call in (
        ("random_numbers", lambda: torch.rand(3, device=device).sum().item()),
        ("empty_cache", torch.cuda.empty_cache),
        ("second_capture", lambda: second(graphs, x)),
    ):
        try:
            found[name] = f"works ({call()})"
        except Exception as error:
            found[name] = f"FAILS: {type(error).__name__}: {str(error).splitlines()[0][:120]}"
    return found


def second(graphs: object, x: torch.Tensor) -> str:
    with graphs.stream():  # type: ignore[attr-defined]
        replay = graphs.capture(lambda: x.add_(1))  # type: ignore[attr-defined]
        replay()
    return f"x is {x[0].item()}"


def deterministic_later() -> dict[str, object]:
    """--deterministic in a process that has multiplied matrices before, in a run without it."""
    import os

    from zoo.engine.runtime.device import choose_device, determinism

    os.environ.pop("CUBLAS_WORKSPACE_CONFIG", None)
    choose_device("cuda")
    a = torch.randn(64, 64, device="cuda")
    a @ a
    try:
        with determinism(True):
            a @ a
        return {"product": "works"}
    except RuntimeError as error:
        return {"product": f"FAILS: {str(error)[:110]}"}


def tests_would_skip() -> dict[str, object]:
    """Whether an op that is to have a CUDA kernel has none here, for which its tests would skip."""
    from zoo.ops import library

    return {"not served": library.not_served("cuda")}


def failed_launch() -> dict[str, object]:
    """An op that refuses its arguments leaves torch's own error state alone."""
    from zoo import ops

    x = torch.randn(8, 4, device="cuda")
    try:
        torch.ops.zoo.batch_norm_act_forward(x, torch.ones(4), None, None, None, True, 0.1, 1e-5, 0, 0.0, 0, 1)
        refused = "no"
    except Exception as error:
        refused = f"{type(error).__name__}: {str(error).splitlines()[0][:80]}"
    return {"refused": refused, "goes on": float(ops.batch_norm_act(x, None, None, None, None).sum())}


def odd_layouts() -> dict[str, object]:
    """Slices, permutations and images that lie in no plain layout are copied, not misread."""
    from zoo import ops
    from zoo.ops import reference

    base = torch.randn(6, 40, 9, 11, device="cuda")
    views = {
        "channels sliced": base[:, 3:24],
        "rows sliced": base[:, :, 1:8],
        "every second": base[:, :, ::2],
        "permuted": base.permute(0, 3, 1, 2),
        "channels_last, channels sliced": base.contiguous(memory_format=torch.channels_last)[:, 4:20],
        "batch sliced": base[2:5],
        "as strided": base.as_strided((3, 8, 4, 4), (7, 1, 33, 5)),
    }
    apart = {}
    for name, x in views.items():
        got = ops.batch_norm_act(x, None, None, None, None, activation="tanh").double().cpu()
        want = reference.batch_norm_act(x.double().cpu().contiguous(), None, None, None, None, activation="tanh")
        apart[name] = float((got - want).abs().max())
    return {"largest error": max(apart.values()), "where": max(apart, key=apart.get)}  # type: ignore[arg-type]


def adam_layouts() -> dict[str, object]:
    """The fused optimisers take gradients whose strides differ where a dimension is 1, as images of one channel have it."""
    from zoo.engine.optim.adam import FusedAdam

    done = []
    for shape in ((64, 1, 4, 4), (1, 64, 4, 4), (8, 1, 1, 1), (8, 3, 4, 4)):
        for form in (torch.contiguous_format, torch.channels_last):
            for other in (torch.contiguous_format, torch.channels_last):
                p = torch.nn.Parameter(
                    torch.empty_like(torch.randn(shape, device="cuda"), memory_format=form).normal_()
                )
                p.grad = torch.empty_like(p.detach().contiguous(), memory_format=other).normal_()
                FusedAdam([p], 1e-3, (0.5, 0.999), 1e-8, 0.0, False, capturable=True).step()
                done.append(shape)
    return {"layouts": len(done)}


PROBES = (
    tests_would_skip,
    failed_launch,
    odd_layouts,
    adam_layouts,
    deterministic_later,
    failed_capture,
)


def main() -> None:
    if len(sys.argv) > 1:
        probe = next(probe for probe in PROBES if probe.__name__ == sys.argv[1])
        try:
            tell("probe", of=probe.__name__, **probe())
        except Exception as error:
            tell("probe", of=probe.__name__, broke=f"{type(error).__name__}: {str(error)[:300]}")
        return
    running = [subprocess.Popen([sys.executable, __file__, probe.__name__]) for probe in PROBES]
    for process in running:
        process.wait()


if __name__ == "__main__":
    main()
