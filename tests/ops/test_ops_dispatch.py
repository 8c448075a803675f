"""The one decision between kernel and reference, and everything that goes through torch's dispatcher."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from op_cases import tensor
from torch import nn

import zoo.nn as zoo_nn
from zoo import ops
from zoo.ops import library
from zoo.ops.kinds import Activation, Loss, Order
from zoo.ops.table import DEVICES, SCHEMAS, TABLE

LEAKY, TANH, FIRST, LAST = map(int, (Activation.leaky_relu, Activation.tanh, Order.norm_act, Order.act_norm))
PACKAGE = Path(library.__file__).resolve().parent.parent


def samples(dtype=torch.float32):
    """(name of the op, arguments) for every primitive op."""
    image = tensor((4, 5, 3, 3), dtype)
    last = image.contiguous(memory_format=torch.channels_last)
    vector, positive = tensor((5,), dtype), tensor((5,), dtype).exp()
    for x in (image, last, tensor((4, 5), dtype)):
        for weight, bias in ((vector, vector), (None, None)):
            parameters = [None if t is None else t.clone().requires_grad_() for t in (weight, bias)]
            leaf = x.clone().requires_grad_()
            for training, groups in ((True, 1), (True, 2), (False, 1)):
                shape = (groups, 5)
                statistics = [tensor(shape, dtype), tensor(shape, dtype).exp()]
                options = (training, 0.1, 1e-5, LEAKY, 0.2, FIRST, groups)
                yield "batch_norm_act_forward", (leaf, *parameters, vector.clone(), positive.clone(), *options)
                yield "batch_norm_act_backward", (x, x, weight, bias, *statistics, training, TANH, 0.2, LAST, groups)
            yield "bias_act_forward", (leaf, parameters[1], TANH, 0.0)
            yield "bias_act_backward", (x, x, LEAKY, 0.2)
            for options in ((2, 1, 2, 2, 6, 6), (1, 2, 1, 1, 2, 2)) if x.dim() == 4 else ():
                yield "upfirdn2d_forward", (leaf, parameters[1], [0.25, 0.5, 0.25], *options, TANH, 0.0)
    real, fake = tensor((6, 1), dtype), tensor((4, 1), dtype)
    for kind in map(int, Loss):
        leaves = [t.clone().requires_grad_() for t in (real, fake)]
        yield "discriminator_loss_forward", (*leaves, kind, 0.0, 1.0, 1.0)
        yield "generator_loss_forward", (leaves[1], kind, 0.0, 1.0, 1.0, 1.0)
    yield "discriminator_loss_backward", (real.sum(), real, fake)
    x, weight = (tensor(shape, dtype).requires_grad_() for shape in ((9, 20), (16, 20)))
    yield "linear_forward", (x, weight)
    for layout in (torch.channels_last, torch.contiguous_format):
        x, y = tensor((2, 3, 6, 5), dtype).contiguous(memory_format=layout), tensor((2, 4, 3, 2), dtype)
        leaf, small, kernel = (t.clone().requires_grad_() for t in (x, y, tensor((4, 3, 4, 4), dtype)))
        yield "conv2d_forward", (leaf, kernel, 2, 1)
        yield "conv_transpose2d_forward", (small, kernel, 2, 1, 6, 5)
        yield "conv2d_weight_gradient", (leaf, small, 4, 2, 1, layout == torch.channels_last)
    yield "generator_loss_backward", (real.sum(), fake)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", list(SCHEMAS))
def test_opcheck(name):
    checks = ("test_schema", "test_autograd_registration", "test_faketensor", "test_aot_dispatch_dynamic")
    for index, (op, arguments) in enumerate(samples()):
        if op == name:
            # Tracing is slow; schema and fake kernel are where layouts matter.
            torch.library.opcheck(
                getattr(torch.ops.zoo, name), arguments, test_utils=checks if index < 12 else checks[:3]
            )


def network() -> nn.Sequential:
    return nn.Sequential(
        zoo_nn.Conv2dAct(3, 8, 3, activation="leaky_relu", slope=0.2),
        zoo_nn.BatchNormAct(8, "tanh"),
        nn.Flatten(),
        zoo_nn.LinearAct(72, 1),
    )


@pytest.mark.filterwarnings("ignore")
def test_compiles_as_one_graph_and_trains_alike():
    torch.manual_seed(0)
    eager = network()
    compiled_network = network()
    compiled_network.load_state_dict(eager.state_dict())
    real, fake = torch.randn(4, 3, 5, 5), torch.randn(4, 3, 5, 5)

    def loss(model, real, fake):
        return ops.discriminator_loss(model(real), model(fake)).loss

    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    for call, model in ((loss, eager), (compiled, compiled_network)):
        call(model, real, fake).backward()
    for (name, ours), theirs in zip(compiled_network.named_parameters(), eager.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, msg=name)
    for (name, ours), theirs in zip(compiled_network.named_buffers(), eager.buffers(), strict=True):
        torch.testing.assert_close(ours, theirs, msg=name)


@pytest.mark.filterwarnings("ignore")
def test_exports_in_evaluation():
    model = network().eval()
    x = torch.randn(4, 3, 5, 5)
    exported = torch.export.export(model, (x,), strict=False)
    torch.testing.assert_close(exported.module()(x), model(x))


def test_meta_tensors_have_shapes_only():
    x = torch.empty(4, 5, 3, 3, device="meta")
    assert torch.ops.zoo.bias_act_forward(x, None, 1, 0.0).device.type == "meta"


def test_status_names_every_op_and_device_and_why():
    status = ops.status()
    assert list(status) == list(TABLE)
    for row in status.values():
        assert list(row) == list(DEVICES)
        for entry in row.values():
            assert entry["served_by"] in ("native", "reference", "error")
            assert entry["why"].endswith(".")


def test_check_finds_every_native_op_right():
    assert all(row.ok for row in ops.check()), ops.check()


def python(code: str, root: Path = PACKAGE.parent, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(root), "ZOO_NATIVE": "", **environment},
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )


def test_zoo_native_0_forces_the_reference():
    code = (
        "import zoo.ops, torch; s = zoo.ops.status();"
        "assert all(e['served_by'] == 'reference' and 'ZOO_NATIVE=0' in e['why'] for r in s.values() for e in r.values());"
        "assert zoo.ops.check() == [];"
        "y = zoo.ops.batch_norm_act(torch.randn(4, 3), None, None, None, None); assert y.shape == (4, 3)"
    )
    done = python(code, ZOO_NATIVE="0")
    assert done.returncode == 0, done.stderr


def test_a_library_that_does_not_load_is_an_error_that_names_the_rebuild_command(tmp_path):
    shutil.copytree(PACKAGE / "ops", tmp_path / "zoo" / "ops")
    shutil.copy(PACKAGE / "errors.py", tmp_path / "zoo")
    shutil.copytree(PACKAGE / "system", tmp_path / "zoo" / "system")
    (tmp_path / "zoo" / "_native").mkdir()
    (tmp_path / "zoo" / "_native" / "cpu.abi3.so").write_bytes(b"not a library")
    code = "import zoo.ops, torch; print('imported'); zoo.ops.bias_act(torch.zeros(2, 3), None)"
    done = python(code, tmp_path)
    assert "imported" in done.stdout
    assert "NativeError" in done.stderr
    assert "pip install --force-reinstall --no-deps ." in done.stderr
    code = "import zoo.ops as o; print(o.status()['bias_act']['cpu'])"
    assert "'served_by': 'error', 'why': 'The native core cpu.abi3.so is present but" in python(code, tmp_path).stdout
    for value in ("0", "off", "False"):
        done = python(code, tmp_path, ZOO_NATIVE=value)
        assert "'served_by': 'reference', 'why': 'ZOO_NATIVE=0" in done.stdout, done.stderr


def test_a_cuda_library_that_does_not_load_leaves_the_cpu_alone(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "zoo", ignore=lambda folder, names: {"cuda.abi3.so", "__pycache__"} & {*names})
    (tmp_path / "zoo" / "_native").mkdir(exist_ok=True)
    (tmp_path / "zoo" / "_native" / "cuda.abi3.so").write_bytes(b"not a library")
    code = (
        "import torch; torch.cuda.is_available = lambda: True\n"
        "import zoo.ops as o; from zoo.errors import NativeError; from zoo.ops import library\n"
        "o.bias_act(torch.zeros(2, 3), None); row = o.status()['bias_act']\n"
        "assert row['cuda']['served_by'] == 'error' and 'rebuild' in row['cuda']['why'], row\n"
        "assert row['cpu']['served_by'] != 'error', row\n"
        "try: library.dispatch('bias_act', 'cuda')\n"
        "except NativeError as error: assert 'cuda.abi3.so' in str(error)\n"
        "else: raise SystemExit('no error')"
    )
    done = python(code, tmp_path)
    assert done.returncode == 0, done.stderr


def test_nobody_but_the_library_decides():
    """Issue 3: one decision. The op files ask `dispatch`, and only reports ask what is loaded."""
    for path in (PACKAGE / "ops").rglob("*.py"):
        if path.name not in ("library.py", "report.py"):
            source = path.read_text("utf-8")
            assert "native(" not in source, path
            assert "_native" not in source, path
    for path in (*(PACKAGE / "ops").rglob("*.py"), *(PACKAGE / "data").glob("*.py")):
        assert "ZOO_NATIVE" not in "".join(re.findall(r"environ.*", path.read_text("utf-8"))), path


@pytest.mark.parametrize("value", ["0", "off", "False", " no "])
def test_zoo_native_means_the_same_to_ops_and_to_batch_assembly(value):
    code = (
        "import zoo.ops as o; from zoo.data import gather as g; assert g.gather is g.reference;"
        "info = o.build_info(); assert 'reason' in info or info['batch_assembly'].startswith('reference: ZOO_NATIVE=0');"
        "assert o.status()['bias_act']['cpu']['served_by'] == 'reference'"
    )
    done = python(code, ZOO_NATIVE=value)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif("cpu" not in library._native, reason="the CPU library is not built")
@pytest.mark.parametrize("instruction_set", ["baseline", "avx2"])
def test_every_instruction_set_is_right(instruction_set):
    code = (
        "import zoo.ops as o; i = o.build_info().get('instruction_set'); print(i);"
        "rows = o.check(); assert rows and all(r.ok for r in rows), rows"
    )
    done = python(code, ZOO_CPU=instruction_set)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif("cpu" not in library._native, reason="the CPU library is not built")
def test_an_instruction_set_that_does_not_exist_is_said_to_be_none():
    code = "import zoo.ops as o; print(o.build_info()['instruction_set'])"
    assert "ZOO_CPU=avx1024 is not among what works here" in python(code, ZOO_CPU="avx1024").stdout
    for known in library.build_record()["instruction_sets"]:  # make train builds this processor's alone
        if known in ("baseline", library.instruction_set()):
            assert python(code, ZOO_CPU=known).stdout == f"{known}\n"


@pytest.mark.skipif("cpu" not in library._native, reason="the CPU library is not built")
def test_tiles_that_do_not_exist_are_said_to_be_none():
    code = "import zoo.ops as o; print(o.build_info()['winograd'])"
    assert python(code, ZOO_WINOGRAD="smal").stdout == "chosen (ZOO_WINOGRAD=smal is neither small nor large)\n"
    assert python(code, ZOO_WINOGRAD="large").stdout == "large\n"
