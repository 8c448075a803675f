"""`zoo train NAME --data mnist` from end to end, with small made-up files from a server on the loopback address."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from file_server import Answer, serving
from made_up import IDX
from support import TINY, flags

ZOO = """
import sys
from made_up import MADE_UP, described
from zoo.cli import main
from zoo.data.registry import sources
for name, (known, contents) in MADE_UP.items():
    sources()[name].known = described(known, contents)  # checksums of the made-up files, which are held
main(sys.argv[1:])
"""
TRAIN = ["train", "dcgan", "--data", "mnist", *flags({**TINY, "steps": 2, "device": "cpu"}), "--out", "run"]


@pytest.fixture
def server():
    with serving({f"/mnist/{name}": Answer(content) for name, content in IDX.items()}) as state:
        yield state


def zoo(server, tmp_path, *arguments):
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "OMP_NUM_THREADS": "1",
        "ZOO_CACHE": str(tmp_path / "cache"),
        "ZOO_MIRROR": server.url,
    }
    command = [sys.executable, "-c", ZOO, *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def done(process):
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def test_a_run_is_trained_on_it_resumed_and_evaluated(server, tmp_path):
    code, out, err = done(zoo(server, tmp_path, *TRAIN))
    assert code == 0, err
    assert f"downloading {server.url}/mnist/train-images-idx3-ubyte.gz" in out
    assert "40 images of MNIST" in out
    assert json.loads((tmp_path / "run/config.json").read_text("utf-8"))["options"]["data"] == "mnist"
    server.files.clear()  # what is here is enough
    code, out, err = done(zoo(server, tmp_path, "resume", "run", "--steps", 3))
    assert code == 0, err
    assert "downloading" not in out


def test_without_a_network_it_is_one_line_and_no_run(server, tmp_path):
    server.files.clear()
    code, _, err = done(zoo(server, tmp_path, *TRAIN))
    assert (code, len(err.splitlines())) == (2, 1)
    assert err.startswith("zoo: --data mnist: train-images-idx3-ubyte.gz cannot be downloaded")
    assert str(tmp_path / "cache/downloads/mnist") in err
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is no signal there")
def test_ctrl_c_leaves_what_has_come_and_no_run(server, tmp_path):
    images = IDX["train-images-idx3-ubyte.gz"]
    over = threading.Event()
    server.files["/mnist/train-images-idx3-ubyte.gz"] = Answer(images, cut=8192, between=lambda: over.wait(120))
    process = zoo(server, tmp_path, *TRAIN)
    part = tmp_path / "cache/downloads/mnist/train-images-idx3-ubyte.gz.part"
    while process.poll() is None and not (part.exists() and part.stat().st_size == 8192):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    code, _, err = done(process)
    over.set()
    assert (code, err) == (130, "zoo: interrupted\n")
    assert part.stat().st_size == 8192
    assert not (tmp_path / "run").exists()


def test_the_names_are_listed_and_completed(cli):
    listed = cli("list", "--json")
    known = json.loads(listed.out)["data"]
    assert {"mnist", "fashion_mnist", "kmnist", "cifar10", "cifar100", "celeba", "hf"} < set(known)
    assert "hf:USER/NAME" in known["hf"]


def test_a_sentence_with_brackets_is_listed_as_it_is(cli):
    assert "hf:USER/NAME[/CONFIG][@REVISION][:SPLIT]" in "".join(cli("list").out.split())
