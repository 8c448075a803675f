"""The best of many, as the discriminator sees it."""

from __future__ import annotations

import shutil

import pytest
import torch
from messages import saying
from torch import nn

import zoo
from zoo.errors import OptionError, RunError
from zoo.generate.ranking import best, logits_of
from zoo.generate.sampling import BATCH
from zoo.plugins.registry import registry


def by_hand(generator: zoo.Generator, latents: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
    """Logits, with networks that are called directly."""
    inputs = [latents] if labels is None else [latents, labels]
    logits = []
    for some in zip(*(each.split(BATCH) for each in inputs), strict=True):
        logits.append(generator.discriminator(generator.network(*some), *some[1:]).flatten())
    return torch.cat(logits)


def test_the_best_are_those_with_the_highest_logits_the_best_first(plain):
    drawn = plain.sample(10, seed=5, best_of=9)
    candidates = plain.latents(90, 5)
    logits = by_hand(plain, candidates)
    order = sorted(range(90), key=lambda index: -float(logits[index]))[:10]
    assert torch.equal(drawn.latents, candidates[order])
    torch.testing.assert_close(drawn.images, plain(90, seed=5)[order])
    of_the_kept = by_hand(plain, drawn.latents)
    assert (of_the_kept[:-1] >= of_the_kept[1:] - 1e-6).all()
    assert of_the_kept.min() >= logits.sort(descending=True).values[10] - 1e-6
    assert drawn.best_of == 9


def test_the_best_of_seed_numbers_keep_their_numbers(plain):
    drawn = plain.sample(seeds=range(100, 160), best_of=6)
    logits = by_hand(plain, plain.latents(seeds=range(100, 160)))
    assert drawn.seeds == [100 + int(index) for index in logits.sort(descending=True).indices[:10]]
    assert torch.equal(drawn.images, plain(seeds=drawn.seeds))


def test_where_there_are_classes_each_place_goes_to_the_best_of_its_class(conditional):
    drawn = conditional.sample(7, seed=2, labels=[1, 1, 0], best_of=4)
    assert drawn.labels.tolist() == [1, 1, 0, 1, 1, 0, 1]
    latents, labels = conditional.latents(28, 2), torch.tensor([1, 1, 0, 1, 1, 0, 1] * 4)
    logits = by_hand(conditional, latents, labels)
    for label, count in ((1, 5), (0, 2)):
        of_class = (labels == label).nonzero().flatten()
        order = of_class[logits[of_class].sort(descending=True).indices][:count]
        assert torch.equal(drawn.latents[drawn.labels == label], latents[order])


def test_the_best_of_every_class(conditional):
    drawn = conditional.sample(2, all_classes=True, best_of=5)
    assert drawn.labels.tolist() == [0, 0, 1, 1, 2, 2]
    numbered = conditional.sample(seeds=range(10), all_classes=True, best_of=5)
    assert numbered.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert numbered.row == 2
    for place in range(6):
        label = [int(numbered.labels[place])]
        assert torch.equal(numbered.images[place], conditional(seeds=[numbered.seeds[place]], labels=label)[0])


def test_numbers_of_classes_in_turn_stay_in_turn(conditional):
    drawn = conditional.sample(seeds=range(30), best_of=5)
    assert drawn.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert [number % 3 for number in drawn.seeds] == [0, 1, 2, 0, 1, 2]
    assert drawn.turns


def test_the_best_of_one_is_all_and_needs_no_discriminator(plain):
    assert torch.equal(plain(5, seed=1, best_of=1), plain(5, seed=1))
    assert "discriminator" not in vars(plain), "it was not even read"


def test_equal_logits_keep_their_order_and_a_negative_one_can_be_the_best():
    assert best(torch.tensor([-1.0, -3, -1, -2]), 3).tolist() == [0, 2, 3]
    labels = torch.tensor([0, 1, 0, 1])
    assert best(torch.tensor([1.0, 5, 2, 4]), 2, labels, torch.tensor([1, 0])).tolist() == [1, 2]


class Counting(nn.Module):
    """Makes an image of one pixel of a latent, or the logit of that pixel, and knows how many it saw at once."""

    def __init__(self):
        super().__init__()
        self.sizes, self.modes = [], []

    def forward(self, inputs):
        self.sizes.append(len(inputs))
        self.modes.append(self.training)
        return inputs.flatten(1)[:, :1, None, None]


def test_candidates_are_judged_in_bounded_batches_in_evaluation_mode():
    generator, discriminator = Counting().train(), Counting().train()
    latents = torch.randn(3 * BATCH + 1, 2)
    assert torch.equal(logits_of(generator, discriminator, latents), latents[:, 0])
    assert generator.sizes == discriminator.sizes == [BATCH] * 3 + [1]
    assert set(generator.modes + discriminator.modes) == {False}
    assert generator.training
    assert discriminator.training


def test_ranking_leaves_the_random_numbers_of_others_alone(runs):
    torch.manual_seed(0)
    before = torch.get_rng_state()
    zoo.load(runs / "dcgan").sample(2, best_of=3)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("best_of", [0, -3])
def test_the_best_of_nothing_is_refused(plain, best_of):
    with pytest.raises(OptionError, match=saying(f"best_of {best_of}", "at least 1")):
        plain(2, best_of=best_of)


def test_the_best_of_more_than_there_are_is_refused(plain):
    with pytest.raises(OptionError, match=saying("every 20", "5 were given", "at least 20")):
        plain(seeds=range(5), best_of=20)


def test_a_generator_without_its_discriminator_says_so(plain):
    alone = zoo.Generator(plain.network, registry().architecture("dcgan"), plain.options, plain.spec, [], 4)
    assert torch.equal(alone(2), plain(2))
    with pytest.raises(RunError, match=r"without its discriminator, .*; zoo.load\(run\) brings it"):
        alone(2, best_of=2)


def test_a_discriminator_that_goes_missing_or_is_damaged_is_said(runs, tmp_path):
    shutil.copytree(runs / "dcgan", tmp_path / "run")
    generator = zoo.load(tmp_path / "run")
    file = zoo.Run(tmp_path / "run").latest()[1] / "discriminator.safetensors"
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(RunError, match=r"discriminator.safetensors cannot be read"):
        generator(2, best_of=2)
    file.unlink()
    with pytest.raises(RunError, match=r"discriminator.safetensors is missing"):
        generator(2, best_of=2)
    assert generator(2).shape == (2, 1, 8, 8)
