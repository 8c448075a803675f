"""Weights that come with an architecture: found by its name, unless a run is there that is called so."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch
from support import tiny

import zoo
from zoo.errors import OptionError, RunError
from zoo.plugins.registry import pretrained_run, registry


def test_dcgan_comes_trained(cli):
    generator = zoo.load("dcgan")
    assert generator(2, seed=1).shape == (2, 1, 28, 28)
    assert torch.equal(pickle.loads(pickle.dumps(generator))(2, seed=1), generator(2, seed=1))
    assert cli("sample", "dcgan", "--n", 4, "--best-of", 2).code == 0
    assert Path("samples.png").is_file()
    assert "It comes trained: zoo sample dcgan" in cli("info", "dcgan").out


@pytest.mark.parametrize("name", ["cgan", "lsgan", "vanilla"])
def test_one_that_comes_without_says_so_and_a_subclass_inherits_none(cli, name):
    assert pretrained_run(name) is None
    with pytest.raises(RunError, match=f"{name} comes without trained weights.*zoo train {name} makes one"):
        zoo.load(name)
    assert "comes trained" not in cli("info", name).out


def test_a_run_of_that_name_comes_first_and_any_other_folder_does_not(images):
    Path("dcgan").mkdir()
    assert zoo.load("dcgan").step == 6000
    Path("dcgan").rmdir()
    zoo.train("dcgan", data=str(images), out="dcgan", **tiny("dcgan", steps=1))
    assert zoo.load("dcgan").step == 1


@pytest.mark.parametrize("given", [5, None, ["dcgan"], b"dcgan"])
def test_what_is_no_path_is_said_to_be_none(given):
    with pytest.raises(OptionError, match="a run's folder is"):
        zoo.load(given)


def test_a_folder_that_may_not_be_entered_is_said_to_be_that(monkeypatch, cli):
    Path("locked").mkdir()
    real = os.stat

    def stat(path, *arguments, **keywords):
        if "locked/" in os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else False:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *arguments, **keywords)

    monkeypatch.setattr(os, "stat", stat)
    for command in ("sample", "evaluate"):
        outcome = cli(command, "locked/run")
        assert outcome.code == 2
        assert "permission denied" in outcome.err.lower()
        assert "Traceback" not in outcome.err


def test_a_folder_that_is_no_run_is_refused_with_the_plugin(install):
    install(
        """
from pathlib import Path
import zoo
from zoo_plugins.vanilla import Vanilla

class Odd(Vanilla):
    name = "odd"
    pretrained = Path("nowhere")

@zoo.hookimpl
def zoo_register_architectures(register):
    register(Odd)
""",
        "zoo_odd",
    )
    (plugin,) = (plugin for plugin in registry().plugins if plugin.name == "zoo_odd")
    assert "Odd.pretrained is" in plugin.error
