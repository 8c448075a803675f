"""The example notebook: committed without outputs, and run as Jupyter runs it, with a training of a moment."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image

NOTEBOOK = Path(__file__).parents[2] / "examples/first-pictures.ipynb"
PARAMETERS = """
import zoo
ARCHITECTURE = "cgan"
OPTIONS = dict(steps=4, sample_every=2, log_every=1, width=2)
OUT = "run"
"""
EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
nbformat.validate(notebook)
NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""


def code_cells(path: Path) -> dict[str, dict]:
    """The cells of code by their names."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return {cell["id"]: cell for cell in cells if cell["cell_type"] == "code"}


def test_it_is_committed_without_outputs():
    assert NOTEBOOK.stat().st_size < 20_000
    for cell in code_cells(NOTEBOOK).values():
        assert (cell["outputs"], cell["execution_count"]) == ([], None)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory, shared_cache) -> dict[str, list[dict]]:
    """What each cell shows, by its name."""
    missing = [name for name in ("nbclient", "nbformat", "ipykernel") if find_spec(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed: the extra `notebook`")
    folder = tmp_path_factory.mktemp("notebook")
    content = json.loads(NOTEBOOK.read_text("utf-8"))
    (parameters,) = [cell for cell in content["cells"] if "parameters" in cell["metadata"].get("tags", ())]
    parameters["source"] = PARAMETERS
    (folder / "given.ipynb").write_text(json.dumps(content), "utf-8")
    places = ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")
    own = {name: str(folder / name.lower()) for name in places}
    done = subprocess.run(
        [sys.executable, "-c", EXECUTE, "given.ipynb", "done.ipynb"],
        cwd=folder,
        env={**os.environ, **own, "OMP_NUM_THREADS": "1", "ZOO_CACHE": str(shared_cache)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return {name: cell["outputs"] for name, cell in code_cells(folder / "done.ipynb").items()}


def of_type(outputs: list[dict], kind: str) -> list[str]:
    """What cells show of a MIME type."""
    return ["".join(each["data"][kind]) for each in outputs if kind in each.get("data", {})]


def test_the_training_shows_its_last_bar_and_grid(outputs):
    (bar,) = of_type(outputs["train"], "text/html")
    assert "4 of 4 steps" in bar
    (grid,) = of_type(outputs["train"], "image/png")
    assert Image.open(io.BytesIO(base64.b64decode(grid))).size == (582, 582)
    assert len(outputs["train"]) == 2


@pytest.mark.parametrize("cell", ["seeds", "labels", "classes", "best", "way"])
def test_what_is_drawn_is_shown_as_a_picture(outputs, cell):
    (png,) = of_type(outputs[cell], "image/png")
    assert Image.open(io.BytesIO(base64.b64decode(png))).width > 100


@pytest.mark.parametrize("cell", ["run", "generator"])
def test_a_run_and_a_generator_are_a_table_and_a_picture(outputs, cell):
    (shown,) = of_type(outputs[cell], "text/html")
    assert "<table>" in shown
    assert "data:image/png;base64," in shown
    assert "cgan" in shown


def test_nothing_else_is_printed_and_pickles_draw_the_same(outputs):
    assert [each for cell in outputs.values() for each in cell if each["output_type"] in ("stream", "error")] == []
    assert "the same pictures: True" in of_type(outputs["pickle"], "text/plain")[0]
    assert of_type(outputs["numbers"], "text/plain") == ["(torch.Size([4, 1, 28, 28]), (28, 28))"]
