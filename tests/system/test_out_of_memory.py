"""Memory that runs out is told as that, whoever noticed: torch, the system, or a kernel of ours."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from zoo import ops
from zoo.system.memory import OutOfMemoryError, enough_memory, ran_out

WORDS = [
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes",
    "[enforce fail at alloc_cpu.cpp:80] data. DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes.",
    "CUDA out of memory. Tried to allocate 2.00 GiB",
    "CUDA error: out of memory",
    "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    "std::bad_alloc",
    "aoti_torch_empty_strided(dims, sizes, strides, code, …) API call failed at csrc/tensors.h, line 45",
]


@pytest.mark.parametrize("words", WORDS)
def test_the_words_of_torch_and_of_kernels_are_known(words):
    assert ran_out(RuntimeError(words))
    with (
        pytest.raises(OutOfMemoryError, match="not enough memory; lower --batch-size"),
        enough_memory("lower --batch-size"),
    ):
        raise RuntimeError(words)


def test_what_the_system_and_python_say_is_known():
    assert ran_out(MemoryError())
    assert ran_out(OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)))


@pytest.mark.parametrize("error", [
    RuntimeError("mat1 and mat2 shapes cannot be multiplied"), RuntimeError("aoti_torch_get_sizes(…) API call failed"),
    OSError(errno.EACCES, "Permission denied"), ValueError("out of memory"), KeyError("std::bad_alloc"),
], ids=str)  # fmt: skip
def test_other_errors_are_left_as_they_are(error):
    assert not ran_out(error)
    with pytest.raises(type(error)), enough_memory("lower --batch-size"):
        raise error


REAL = """
import resource, torch
from zoo import ops
from zoo.system.memory import ran_out

torch.set_num_threads(1)
x = torch.randn(64, 16, 64, 64).to(memory_format=torch.channels_last)
kernel, other = torch.randn(64, 16, 4, 4), torch.randn(16, 64, 4, 4)
plain, one, zero = torch.randn(64, 16, 64, 64), torch.ones(16), torch.zeros(16)
rows, weight = torch.randn(4096, 2048), torch.randn(4096, 2048)
calls = {
    "conv2d": lambda: ops.conv2d(x, kernel, stride=2, padding=1),
    "conv_transpose2d": lambda: ops.conv_transpose2d(x, other, stride=2, padding=1),
    "linear": lambda: ops.linear(rows, weight),
    "bias_act": lambda: ops.bias_act(plain, one, "relu", 0.2),
    "batch_norm_act": lambda: ops.batch_norm_act(
        plain, one, zero, zero.clone(), one.clone(), True, 0.1, 1e-5, "relu", 0.2, "norm_act", 1
    ),
}
used = next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmSize"))
resource.setrlimit(resource.RLIMIT_AS, (used + (4 << 20),) * 2)
for name, call in calls.items():
    try:
        call()
    except Exception as error:
        print(name, "yes" if ran_out(error) else repr(error))
    else:
        print(name, "had enough")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited as Linux does")
def test_every_kernel_that_finds_no_memory_says_so():
    done = subprocess.run([sys.executable, "-c", REAL], capture_output=True, text=True, timeout=120)
    told = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert len(told) == 5, done.stderr
    assert set(told.values()) <= {"yes", "had enough"}, told
    assert "yes" in told.values()


def test_a_kernel_without_memory_is_no_mistake_of_the_plugin(cli, images, monkeypatch):
    def none(*arguments, **keywords):
        raise RuntimeError(WORDS[-1])

    monkeypatch.setattr(ops, "discriminator_loss", none)
    outcome = cli("train", "dcgan", "--data", images, "--width", 2, "--batch-size", 8, "--steps", 1, "--out", "run")
    assert (outcome.code, outcome.err) == (
        2,
        "zoo: not enough memory; lower --batch-size, --size or the networks' widths\n",
    )
