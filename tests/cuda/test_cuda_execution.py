"""How the CUDA kernels run: deterministic, on the current stream and device, without waiting, inside CUDA graphs."""

from __future__ import annotations

import pytest
import torch
from cuda_cases import DEVICE, laid_out, leaves, parameters, running, synchronization_forbidden, tensor

from zoo import ops

SHAPES = [(64, 256), (64, 64, 16, 16), (33, 19, 7, 5)]


def everything(x: torch.Tensor, statistics: list[torch.Tensor] | None = None) -> list[torch.Tensor]:
    """Results and gradients of every op for one input."""
    weight, bias = (t.to(x.device) for t in parameters(x.shape[1], torch.float32))
    inputs = leaves(x, weight, bias)
    y = ops.batch_norm_act(*inputs, *(statistics or (None, None)), activation="leaky_relu", slope=0.2)
    results = [y, *torch.autograd.grad(y.square().sum(), inputs)]
    z = ops.bias_act(inputs[0], inputs[2], "tanh")
    results += [z, *torch.autograd.grad(z.sum(), (inputs[0], inputs[2]))]
    d = ops.discriminator_loss(inputs[0], inputs[0] * 0.5)
    g = ops.generator_loss(inputs[0])
    results += [d.loss, d.statistics, g.loss, g.statistics, *torch.autograd.grad(d.loss + g.loss, inputs[0])]
    return [t.detach() for t in results]


@pytest.mark.parametrize("layout", ["contiguous", "channels_last"])
def test_results_are_the_same_run_to_run(plan, layout):
    torch.use_deterministic_algorithms(True)
    try:
        for shape in SHAPES:
            x = laid_out(tensor(shape), layout)
            first = everything(x)
            for _ in range(10):
                for a, b in zip(first, everything(x), strict=True):
                    assert torch.equal(a, b)
    finally:
        torch.use_deterministic_algorithms(False)


def test_nothing_waits_for_the_device(plan):
    inputs = [(laid_out(tensor(shape), "channels_last"), running(shape[1], torch.float32)) for shape in SHAPES]
    everything(*inputs[0])
    torch.cuda.synchronize()
    with synchronization_forbidden():
        for x, statistics in inputs:
            weight = torch.ones(x.shape[1], device=DEVICE)
            leaf = x.detach().requires_grad_()
            y = ops.batch_norm_act(leaf, weight, None, *statistics, activation="relu")
            torch.autograd.grad(y.sum() + ops.generator_loss(y).loss, leaf)


@pytest.mark.parametrize("layout", ["contiguous", "channels_last"])
def test_capture_in_a_cuda_graph_and_replay(plan, layout):
    for shape in SHAPES:
        x = laid_out(tensor(shape), layout)
        weight, bias = parameters(shape[1], torch.float32)
        statistics = running(shape[1], torch.float32)

        def step(x=x, weight=weight, bias=bias, statistics=statistics):
            inputs = leaves(x, weight, bias)
            y = ops.batch_norm_act(*inputs, *statistics, activation="leaky_relu", slope=0.2)
            loss = ops.generator_loss(ops.bias_act(y, inputs[2], "tanh")).loss
            return [y, loss, *torch.autograd.grad(loss, inputs)]

        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            captured = step()
        for seed in (7, 8):
            x.copy_(laid_out(tensor(shape, seed=seed), layout))
            before = [t.clone() for t in statistics]
            graph.replay()
            replayed = [t.detach().clone() for t in captured]
            updated = [t.clone() for t in statistics]
            for t, old in zip(statistics, before, strict=True):
                t.copy_(old)
            for a, b in zip(replayed, step(), strict=True):
                assert torch.equal(a, b)
            for a, b in zip(updated, statistics, strict=True):
                assert torch.equal(a, b)


def test_the_current_stream_is_used(plan):
    for shape in SHAPES:
        expected = everything(tensor(shape).to(DEVICE))
        stream = torch.cuda.Stream()
        source, x = tensor(shape).to(DEVICE), torch.full(shape, float("nan"), device=DEVICE)
        torch.cuda.synchronize()
        with torch.cuda.stream(stream):
            torch.cuda._sleep(20_000_000)  # whoever does not wait for this stream reads NaN
            x.copy_(source)
            results = everything(x)
        stream.synchronize()
        for a, b in zip(expected, results, strict=True):
            assert torch.equal(a, b)


def test_work_on_several_streams_at_once(plan):
    """Grid barriers of two kernels must not block each other."""
    x = laid_out(tensor((64, 64, 32, 32)), "channels_last")
    expected = everything(x)
    streams = [torch.cuda.Stream() for _ in range(4)]
    torch.cuda.synchronize()
    results = []
    for _ in range(5):
        for stream in streams:
            with torch.cuda.stream(stream):
                results.append(everything(x))
    torch.cuda.synchronize()
    for result in results:
        assert all(torch.equal(a, b) for a, b in zip(expected, result, strict=True))


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_the_device_of_the_tensors_is_used_and_the_current_one_stays(plan):
    with torch.cuda.device(0):
        for shape in SHAPES:
            expected = everything(tensor(shape).to("cuda:0"))
            results = everything(tensor(shape).to("cuda:1"))
            assert torch.cuda.current_device() == 0
            for a, b in zip(expected, results, strict=True):
                assert b.device == torch.device("cuda:1")
                torch.testing.assert_close(a.cpu(), b.cpu())


def test_compiled_with_fullgraph():
    pytest.importorskip("triton", reason="torch.compile needs Triton on CUDA")
    torch.compiler.reset()
    x, statistics = laid_out(tensor((8, 16, 8, 8)), "channels_last"), running(16, torch.float32)

    def call(x):
        return ops.batch_norm_act(x, None, None, *statistics, activation="relu").square().sum()

    (a,), (b,) = leaves(x), leaves(x)
    (want,) = torch.autograd.grad(call(a), a)
    (got,) = torch.autograd.grad(torch.compile(call, fullgraph=True)(b), b)
    torch.testing.assert_close(got, want)
