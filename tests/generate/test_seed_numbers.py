"""Seed numbers: a number is a picture, wherever it is drawn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from messages import saying

import zoo
from zoo.errors import OptionError
from zoo.generate.latent.latents import Latents
from zoo.generate.latent.numbers import LARGEST, MOST, check_numbers, describe_numbers, parse_numbers

# ---- reading and writing them


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("3", [3]),
        ("3,17,21", [3, 17, 21]),
        (" 3 , 17 ", [3, 17]),
        ("0-3", [0, 1, 2, 3]),
        ("7-7", [7]),
        ("5, 0 - 2,5", [5, 0, 1, 2, 5]),
        (str(LARGEST), [LARGEST]),
    ],
)
def test_numbers_and_ranges_are_read_in_order(text, numbers):
    assert parse_numbers(text) == numbers


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", saying("seeds ''", "empty place", "3,17,21 or 0-63")),
        ("3,,4", "seeds '3,,4': it has an empty place"),
        ("3,", "it has an empty place"),
        ("three", "'three' is no seed number"),
        ("-1", "'-1' is no seed number"),
        ("1.5", r"'1\.5' is no seed number"),
        ("1-2-3", "'1-2-3' is no seed number"),
        ("٣", "is no seed number"),
        ("9-3", saying("9-3", "write 3-9")),
        (str(LARGEST + 1), saying(f"{LARGEST + 1} is no seed number", f"0 to {LARGEST}")),
        ("9" * 5000, "seed numbers go from 0 to"),
        (f"0-{MOST}", "more than 1,000,000 pictures"),
        (f"0-{LARGEST}", "more than 1,000,000 pictures"),
    ],
)
def test_text_that_is_no_seed_number_is_refused_in_one_line(text, message):
    with pytest.raises(OptionError, match=message) as refused:
        parse_numbers(text)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([], "at least one"),
        ([1, -1], "-1 is no seed number"),
        ([2**32], "4294967296 is no seed number"),
        ([1.0], r"1\.0 is no seed number"),
        (torch.tensor([1.5]), "is no seed number"),
        (["3"], "'3' is no seed number"),
        ([True], "True is no seed number"),
        (range(2**70), "more than 1,000,000"),
        (3, saying("seeds 3", "a list", "[3, 17]")),
        ("3,4", "seeds '3,4': give a list"),
    ],
)
def test_python_objects_that_are_no_seed_numbers_are_refused(numbers, message):
    with pytest.raises(OptionError, match=message):
        check_numbers(numbers)


def test_the_numbers_of_the_command_line_are_told_by_their_flag():
    with pytest.raises(OptionError, match=r"^--seeds '3-': '3-' is no seed number"):
        parse_numbers("3-", "--seeds")
    with pytest.raises(OptionError, match=r"^seeds '3-': '3-' is no seed number"):
        parse_numbers("3-")
    with pytest.raises(OptionError, match=r"^seeds 3: give text; write numbers"):
        parse_numbers(3)


def test_numbers_of_other_libraries_are_numbers(plain):
    assert check_numbers(torch.tensor([3, 4])) == [3, 4]
    assert torch.equal(plain(np.int64(2), seed=np.int64(3)), plain(2, seed=3))


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([3], "3"), ([0, 1, 2, 9, 4, 5], "0-2,9,4,5"), ([3, 2, 1], "3,2,1"), ([7, 7], "7,7"), (list(range(64)), "0-63")],
)
def test_numbers_are_described_as_they_can_be_given_again(numbers, text):
    assert describe_numbers(numbers) == text
    assert parse_numbers(text) == numbers


def test_a_long_description_is_cut_short():
    assert describe_numbers(list(range(0, 100, 2)), most=3) == "0,2,4,…"


# ---- what they draw


def test_the_picture_of_a_number_is_the_same_to_the_last_bit_alone_and_among_others(plain, uniform):
    for generator in (plain, uniform):
        among = generator(seeds=[90, *range(70), 90])
        alone = generator(seeds=[42])
        assert torch.equal(alone[0], among[1 + 42])
        assert torch.equal(among[0], among[-1])
        assert not torch.equal(among[0], among[1])


def test_the_picture_of_a_number_is_the_one_that_its_seed_draws_alone(plain):
    assert torch.equal(plain(seeds=[17]), plain(1, seed=17))
    assert torch.equal(plain.latents(seeds=[17, 3])[1], Latents(3, plain.options.latent).draw(1)[0])


def test_where_there_are_classes_that_holds_for_the_same_class(conditional):
    number, seed = conditional.sample(seeds=[17]), conditional.sample(1, seed=17)
    assert (number.labels.tolist(), seed.labels.tolist()) == ([17 % 3], [0])
    assert torch.equal(number.latents, seed.latents)
    assert torch.equal(conditional(seeds=[17], labels=["1"]), conditional(1, seed=17, labels=["1"]))


def test_a_number_has_a_class_of_its_own_wherever_it_is_drawn(conditional):
    drawn = conditional.sample(seeds=[5, 3, 7])
    assert drawn.labels.tolist() == [2, 0, 1]
    assert torch.equal(drawn.images[0], conditional(seeds=[5])[0])
    assert torch.equal(drawn.images[0], conditional(seeds=[5], labels=[2])[0])
    assert not torch.equal(drawn.images[0], conditional(seeds=[5], labels=[1])[0])


def test_labels_given_with_numbers_are_repeated_in_order(conditional):
    assert conditional.sample(seeds=range(5), labels=["1", 0]).labels.tolist() == [1, 0, 1, 0, 1]


def test_all_classes_of_the_same_numbers(conditional):
    drawn = conditional.sample(seeds=[8, 9], all_classes=True)
    assert drawn.seeds == [8, 9] * 3
    assert drawn.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert drawn.row == 2
    assert torch.equal(drawn.latents[0], drawn.latents[2])
    assert torch.equal(drawn.images[3], conditional(seeds=[9], labels=[1])[0])


def test_what_one_seed_draws_is_not_changed_by_all_this(plain, conditional):
    """The batch of a seed, from its latents on, as it always was, where these are a multiple of sixteen numbers."""
    from zoo.generate.sampling import draw_images

    latents = Latents(7, plain.options.latent).draw(72)
    assert torch.equal(plain(72, seed=7), draw_images(plain.network, latents))
    labels = torch.arange(72) % 3
    assert torch.equal(conditional(72, seed=7), draw_images(conditional.network, latents, labels))
    drawn = conditional.sample(72, seed=7)
    assert drawn.seeds is None
    assert torch.equal(drawn.labels, labels)


def test_neighbouring_numbers_have_nothing_in_common():
    latents = torch.cat([Latents(number, 16).draw(1) for number in range(4000)]).double()
    assert latents.mean(0).abs().max() < 0.08
    assert (latents.std(0) - 1).abs().max() < 0.06
    for distance in (1, 2, 256):
        products = (latents[distance:] * latents[:-distance]).mean(0)
        assert products.abs().max() < 0.08


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda g: g(4, seeds=[1]), "n and seeds both say how many"),
        (lambda g: g.latents(5, seeds=[1]), "n and seeds both say how many"),
        (lambda g: g(1, seed=1.5), r"seed 1\.5: give a number from 0"),
        (lambda g: g(1, seed="a"), "seed a: give a number from 0"),
        (lambda g: g(1, seed=True), "seed True: give a number from 0"),
        (lambda g: g(1, best_of=2.5), saying("best_of 2.5", "at least 1")),
        (lambda g: g(seeds=[]), "at least one seed number"),
        (lambda g: g(1, seed=-1), "seed -1: give a number from 0"),
        (lambda g: g(seeds=[1], all_classes=True, labels=[1]), "labels and all_classes"),
        (lambda g: g.latents(1, seed=2**63), "give a number from 0"),
    ],
)
def test_what_contradicts_itself_is_refused(conditional, ask, message):
    with pytest.raises(OptionError, match=message):
        ask(conditional)


def test_latents_of_your_own_are_drawn(plain, conditional):
    latents = plain.latents(seeds=[3, 4])
    assert torch.equal(plain.draw(latents, together=False), plain(seeds=[3, 4]))
    torch.testing.assert_close(plain.draw(latents), plain(seeds=[3, 4]))
    assert torch.equal(conditional.draw(latents, [0, "1"], together=False), conditional(seeds=[3, 4], labels=[0, 1]))
    for ask, message in (
        (lambda: plain.draw(latents[0]), saying("(4,)", "(n, 4)")),
        (lambda: plain.draw(latents[:0]), r"\(0, 4\)"),
        (lambda: plain.draw(latents, [0, 0]), "draws without labels"),
        (lambda: conditional.draw(latents), saying("2 latents take 2 labels", "none were given")),
        (lambda: conditional.draw(latents, [1]), saying("2 latents take 2 labels", "1 were given")),
    ):
        with pytest.raises(OptionError, match=message):
            ask()


def test_samples_tell_what_they_are(conditional, plain):
    drawn = conditional.sample(seeds=[3, 7])
    assert len(drawn) == 2
    assert drawn.captions() == ["3 (0)", "7 (1)"]
    assert plain.sample(2).captions() == ["0", "1"]
    assert [picture.size for picture in drawn.pictures()] == [(8, 8)] * 2
    assert drawn.latents.shape == (2, 4)


def test_the_names_of_classes_that_do_not_fit_are_shortened_or_replaced(conditional):
    drawn = conditional.sample(seeds=[3, 4, 5])
    names = ["a very long name of a class", "猫", "dog"]
    from dataclasses import replace

    assert replace(drawn, class_names=names).captions() == ["3 (a very long…)", "4 (#1)", "5 (dog)"]


def test_a_run_hands_out_the_same(runs):
    assert torch.equal(zoo.Run(runs / "dcgan").generator()(seeds=[3]), zoo.load(runs / "dcgan")(seeds=[3]))
