"""What is given from Python and does not fit is told in words of zoo's own, before anything is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from messages import assert_says
from support import tiny

import zoo
from zoo.errors import OptionError, ZooError


class Mine(zoo.Callback):
    """A callback."""


@pytest.mark.parametrize(
    ("callbacks", "parts"),
    [
        (Mine(), ["a Mine", "give a list: callbacks=[Mine()]"]),
        (None, ["None", "give a list"]),
        (3, ["callbacks is 3", "give a list"]),
        ([3], ["callbacks has 3", "subclass of zoo.Callback"]),
        ([Mine], ["the class Mine", "callbacks=[Mine()]"]),
        (["tensorboard"], ["'tensorboard'", "zoo.Callback"]),
    ],
    ids=str,
)
def test_callbacks_that_are_none(callbacks, parts):
    for start in (lambda: zoo.train("dcgan", callbacks=callbacks), lambda: zoo.resume("nowhere", callbacks=callbacks)):
        with pytest.raises(OptionError) as refused:
            start()
        assert_says(str(refused.value), *parts)


@pytest.mark.parametrize(
    ("call", "parts"),
    [
        (lambda: zoo.train(3), ["3 is no architecture's name", "dcgan"]),
        (lambda: zoo.train(None), ["None is no architecture's name"]),
        (lambda: zoo.train("dcgan", out=3), ["out is 3", "give a path"]),
        (lambda: zoo.train("dcgan", config=3), ["config is 3", "path"]),
        (lambda: zoo.train("dcgan", preset=3), ["preset of dcgan '3'"]),
        (lambda: zoo.train("dcgan", steps="many"), ["--steps", "'many'"]),
        (lambda: zoo.load(3), ["a run's folder is 3", "give a path"]),
        (lambda: zoo.resume(None), ["a run's folder is None", "give a path"]),
        (lambda: zoo.Run(b"run"), ["a run's folder is b'run'", "give a path"]),
    ],
)
def test_arguments_of_another_type(call, parts):
    with pytest.raises(ZooError) as refused:
        call()
    assert_says(str(refused.value), *parts)
    assert list(Path().iterdir()) == []


@pytest.fixture(scope="module")
def generator(images, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    return zoo.load(zoo.train("cgan", data=str(images), out=out, **tiny("cgan", steps=1)))


@pytest.mark.parametrize(
    ("call", "parts"),
    [
        (lambda g: g.draw(3), ["latents 3", "float32 tensor (n, 4)"]),
        (lambda g: g.draw([[0.0] * 4], [0]), ["float32 tensor (n, 4)"]),
        (lambda g: g.draw(torch.zeros(1, 4, dtype=torch.int64), [0]), ["torch.int64", "float32 tensor (n, 4)"]),
        (lambda g: g("a"), ["n 'a'", "whole number"]),
        (lambda g: g(1.5), ["n 1.5", "whole number"]),
        (lambda g: g(True), ["n True", "whole number"]),
        (lambda g: g(2, labels=1.5), ["labels 1.5", "give a list of classes", "[0]"]),
        (lambda g: g(2, labels=1), ["labels 1", "[1]"]),
        (lambda g: g(2, labels=[0, 1, 2]), ["3 labels were given for 2 pictures", "draw at least 3", "fewer labels"]),
        (lambda g: g(seeds=[5], labels=[0, 1]), ["2 labels were given for 1 pictures"]),
        (lambda g: g(seeds=[5, 6], labels=[0, 1], best_of=2), ["2 labels were given for 1 pictures"]),
    ],
)
def test_what_a_generator_cannot_draw(generator, call, parts):
    with pytest.raises(OptionError) as refused:
        call(generator)
    assert_says(str(refused.value), *parts)


def test_what_a_callback_of_the_callers_raises_reaches_the_caller_and_the_run_goes_on_from_its_newest_checkpoint(
    images,
):
    class Strict(zoo.Callback):
        def on_step(self, step):
            if step == 3:
                raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        zoo.train("dcgan", data=str(images), out="run", callbacks=[Strict()], **tiny("dcgan", checkpoint_every=2))
    assert zoo.Run("run").latest()[0] == 2
    assert zoo.resume("run").latest()[0] == 4
