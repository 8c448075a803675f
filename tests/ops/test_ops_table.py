"""The table of facts about the ops, and what reads it: the library, the documentation, the Makefile, the tests of CUDA kernels."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from zoo import ops
from zoo.ops import library
from zoo.ops.families.convolution_heuristics import Geometry, enters
from zoo.ops.table import DEVICES, FLOATING, NEEDS_WIDE_VECTORS, SCHEMAS, TABLE

ROOT = Path(__file__).parents[2]
NATIVE = library.native


@pytest.fixture(autouse=True)
def _as_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the library says what is loaded, unlike in the tests beside this one."""
    monkeypatch.setattr(library, "native", NATIVE)


def test_every_public_op_has_an_entry_and_a_reference_and_the_other_way_round():
    public = [name for name in ops.__all__ if name in vars(ops.reference) and name != "LossOutput"]
    assert sorted(TABLE) == sorted(public)
    for op in TABLE:
        assert library.implementation(op).public is getattr(ops, op)


def test_every_op_of_the_library_belongs_to_one_entry():
    assert len(SCHEMAS) == sum(len(facts.schemas) for facts in TABLE.values())
    for op, facts in TABLE.items():
        for name in facts.schemas:
            assert name.startswith(f"{op}_")
            overload = getattr(torch.ops.zoo, name).default
            assert str(overload._schema).startswith(f"zoo::{name}(")
            for key in ("CompositeExplicitAutograd", "Autograd"):
                assert torch._C._dispatch_has_kernel_for_dispatch_key(f"zoo::{name}", key), (name, key)


def test_devices_and_dtypes_are_among_those_that_there_are():
    for facts in TABLE.values():
        assert set(facts.no_kernel) < set(DEVICES), "an op without any kernel is none"
        assert set(facts.devices) == set(DEVICES) - set(facts.no_kernel)
        assert set(facts.dtypes) <= set(FLOATING)
        assert all(why.endswith(".") for why in facts.no_kernel.values())


@pytest.mark.skipif("cpu" not in library._native, reason="the CPU library is not built")
def test_the_cpu_library_has_the_kernels_of_the_table_and_no_others():
    for facts in TABLE.values():
        for name in facts.schemas:
            built = torch._C._dispatch_has_kernel_for_dispatch_key(f"zoo::{name}", "CPU")
            assert built == ("cpu" in facts.devices), name


def test_an_op_without_a_kernel_by_design_says_so_and_is_not_missed(monkeypatch):
    monkeypatch.setattr(library, "_asked", "")
    monkeypatch.setattr(library, "_failures", {})
    monkeypatch.setattr(library, "native", lambda op, device: device in TABLE[op].devices)
    for op, facts in TABLE.items():
        for device, why in facts.no_kernel.items():
            assert ops.status()[op][device] == {"served_by": "reference", "why": why}
    assert [library.not_served(device) for device in DEVICES] == [{}, {}]
    monkeypatch.setattr(library, "native", lambda op, device: device in TABLE[op].devices and op != "bias_act")
    assert [list(library.not_served(device)) for device in DEVICES] == [["bias_act"], ["bias_act"]]


def test_an_op_that_needs_wide_vectors_says_so_where_there_are_none(monkeypatch):
    wide = {op for op, facts in TABLE.items() if facts.wide_vectors}
    monkeypatch.setattr(library, "native", lambda op, device: False)
    monkeypatch.setattr(library, "_too_slow", frozenset(wide))
    monkeypatch.setattr(library, "_asked", "")
    monkeypatch.setattr(library, "_failures", {})
    assert {op for op, row in ops.status().items() if row["cpu"]["why"] == NEEDS_WIDE_VECTORS} == wide


def test_where_the_references_are_asked_for_that_is_the_reason_for_all():
    before = ops.status()
    with ops.references():
        reasons = {row["why"] for rows in ops.status().values() for row in rows.values()}
        assert reasons == {"The references are asked for, for the time being."}
    assert ops.status() == before


def test_a_convolution_goes_our_way_in_the_dtypes_of_the_table_alone(monkeypatch):
    monkeypatch.setattr(library, "has_amx", lambda: True)
    x = torch.zeros(64, 64, 16, 16).contiguous(memory_format=torch.channels_last)
    weight = torch.zeros(128, 64, 4, 4)
    geometry = Geometry.of_conv2d(x, weight, 2, 1)
    ours = [dtype for dtype in FLOATING if enters(x.to(dtype), weight.to(dtype), geometry, "forward")]
    assert ours == list(TABLE["conv2d"].dtypes)


# ---- who else states what the table says


def test_no_other_file_lists_the_ops_that_are_special():
    """A list, tuple or set of ops without a CUDA kernel, and of nothing else, is a fact that stands a second time."""
    special = {op for op, facts in TABLE.items() if facts.no_kernel}
    assert special, "else nothing is looked for"
    found = []
    for path in [*ROOT.glob("zoo/**/*.py"), *ROOT.glob("tests/cuda/*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.List | ast.Tuple | ast.Set):
                named = {each.value for each in node.elts if isinstance(each, ast.Constant)}
                if len(named) > 1 and named <= special:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []


def row_of(op: str) -> str:
    """A row of the table in docs/ops.md."""
    facts = TABLE[op]
    inner = ", ".join(f"`{name}`" for name in facts.schemas)
    devices = [
        "CPU (AVX2 or AVX-512)" if facts.wide_vectors else "CPU" if d == "cpu" else "CUDA" for d in facts.devices
    ]
    dtypes = ", ".join(str(dtype).removeprefix("torch.") for dtype in facts.dtypes)
    return f"| `{op}` | {inner} | {', '.join(devices)} | {dtypes} | {'where faster' if facts.where_faster else 'all'} |"


def test_the_table_of_the_documentation_is_this_table():
    page = (ROOT / "docs/ops.md").read_text("utf-8")
    rows = re.findall(r"^\| `\w+` \| `\w+_forward`.*$", page, re.MULTILINE)
    assert rows == [row_of(op) for op in TABLE]


# ---- make test-cuda, tried with a GPU that only seems to be there

PRETENDING = """
import os
import torch
from zoo.ops import library
from zoo.ops.table import TABLE

torch.cuda.is_available = lambda: True
torch.cuda.init = lambda: None
missing = os.environ["MISSING"].split()
library.native = lambda op, device: device in TABLE[op].devices and not (device == "cuda" and op in missing)
"""
TESTS = {
    "test_bias.py": "import pytest\npytestmark = pytest.mark.ops('bias_act')\ndef test_it(): pass\n",
    "test_norm.py": "import pytest\npytestmark = pytest.mark.ops('batch_norm_act')\ndef test_it(): pass\n",
    "test_all.py": "def test_it(): pass\n",
}
SKIPPING = {"test_it.py": "import pytest\ndef test_it(): pytest.skip('for a reason of its own')\n"}


def of_cuda(folder: Path, tests: dict[str, str], missing: str = "", **environment: str) -> tuple[int, str]:
    """Exit code and output of tests below the conftest.py of tests/cuda, on a machine that seems to have a GPU."""
    shutil.copy(ROOT / "tests/cuda/conftest.py", folder)
    (folder / "pretending.py").write_text(PRETENDING, "utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = cuda: needs a CUDA device\naddopts = --strict-markers\n")
    for name, source in tests.items():
        (folder / name).write_text(source, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", "-p", "pretending", "-p", "no:cacheprovider", "."],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "MISSING": missing, "ZOO_TEST_CUDA": "", **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_no_test_of_cuda_kernels_skips_where_all_kernels_of_the_table_serve(tmp_path):
    code, said = of_cuda(tmp_path, TESTS)
    assert (code, "3 passed" in said, "skipped" in said) == (0, True, False), said


def test_tests_of_cuda_kernels_skip_where_one_that_they_are_about_is_missing(tmp_path):
    code, said = of_cuda(tmp_path, TESTS, missing="bias_act")
    assert (code, "1 passed, 2 skipped" in said) == (0, True), said
    assert "bias_act is not served by a CUDA kernel here: " in said


def test_under_make_test_cuda_a_missing_kernel_is_a_failure(tmp_path):
    code, said = of_cuda(tmp_path, TESTS, missing="bias_act", ZOO_TEST_CUDA="1")
    assert (code, "2 failed, 1 passed" in said or "1 passed, 2 errors" in said) == (1, True), said


def test_under_make_test_cuda_a_session_in_which_nothing_ran_has_failed(tmp_path):
    code, said = of_cuda(tmp_path, SKIPPING, ZOO_TEST_CUDA="1")
    assert (code, "1 skipped" in said, "no test of a CUDA kernel has passed" in said) == (1, True, True), said
    assert of_cuda(tmp_path, SKIPPING)[0] == 0


def test_make_test_cuda_asks_the_table_and_lets_nothing_skip():
    if shutil.which("make") is None:
        pytest.skip("there is no make here")
    done = subprocess.run(
        ["make", "--dry-run", "test-cuda"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert "not_served('cuda')" in done.stdout
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert "test-cuda: export ZOO_TEST_CUDA := 1" in makefile
    assert not [op for op in TABLE if op in re.sub(r"test_cuda_\w+\.py", "", makefile)]
