"""What is done with latents: truncation, ways between them, arithmetic."""

from __future__ import annotations

import math

import pytest
import torch
from messages import saying

from zoo import generate
from zoo.errors import OptionError, RunError
from zoo.generate.latent.expression import ExpressionError
from zoo.generate.latent.interpolation import interpolate, nearest_end
from zoo.generate.latent.latents import Latents
from zoo.generate.latent.truncation import truncate

# ---- truncation


def test_normal_latents_within_the_limit_stay_and_the_others_are_drawn_again():
    source = Latents(0, 100)
    before = source.draw(200)
    after = truncate(before, "normal", 1.5, source.random)
    within = before.abs() <= 1.5
    assert torch.equal(after[within], before[within])
    assert (after[~within].abs() <= 1.5).all()
    assert 0.1 < 1 - within.double().mean() < 0.2
    assert (after.dtype, after.shape) == (torch.float32, before.shape)


def test_truncated_normal_latents_have_the_distribution_that_drawing_again_gives():
    limit = 0.8
    source = Latents(3, 100)
    again = truncate(source.draw(1000), "normal", limit, source.random).double()
    phi = math.exp(-(limit**2) / 2) / math.sqrt(2 * math.pi)
    inside = math.erf(limit / math.sqrt(2))
    variance = 1 - 2 * limit * phi / inside
    assert again.mean().abs() < 0.005
    assert abs(again.var() - variance) < 0.003
    for share in (0.25, 0.5, 0.9):
        level = share * limit
        expected = math.erf(level / math.sqrt(2)) / inside
        assert abs((again.abs() <= level).double().mean() - expected) < 0.006


@pytest.mark.parametrize("limit", [1e-30, 1e-3, 0.1, 0.3, 5.0, 40.0, 1e30])
def test_no_limit_is_stepped_over_or_takes_long(limit):
    source = Latents(1, 50)
    after = truncate(source.draw(50), "normal", limit, source.random)
    assert after.isfinite().all()
    assert float(after.abs().max().double()) <= limit
    assert after.unique().numel() > 100


def test_uniform_latents_are_scaled_towards_the_middle_of_their_range():
    random = torch.Generator()
    latents = torch.tensor([[-1.0, -0.5, 0.0, 0.999]])
    assert torch.equal(truncate(latents, "uniform", 0.5, random), latents * 0.5)
    unit = torch.tensor([[0.0, 0.25, 0.5, 0.999]])
    torch.testing.assert_close(truncate(unit, "unit", 0.5, random), torch.tensor([[0.25, 0.375, 0.5, 0.7495]]))


@pytest.mark.parametrize("limit", [0.0, -1.0, math.nan, math.inf, 0, "1"])
def test_a_truncation_that_means_nothing_is_refused(plain, limit):
    for ask in (
        lambda: plain(2, truncation=limit),
        lambda: plain.latents(seeds=[1], truncation=limit),
        lambda: plain.interpolate([1, 2], truncation=limit),
        lambda: plain.arithmetic("1 + 2", truncation=limit),
    ):
        with pytest.raises(OptionError, match="give a number above 0"):
            ask()


def test_uniform_latents_take_no_truncation_above_one(uniform):
    assert uniform.latents(3, truncation=1.0).equal(uniform.latents(3))
    with pytest.raises(OptionError, match=saying("truncation 1.5", "uniform", "above 0, up to 1")):
        uniform(2, truncation=1.5)


def test_truncated_pictures_belong_to_their_numbers_too(plain):
    among, alone = plain(seeds=range(20), truncation=0.5), plain(seeds=[12], truncation=0.5)
    assert torch.equal(among[12], alone[0])
    assert plain.latents(seeds=range(20), truncation=0.5).abs().max() <= 0.5
    assert plain.latents(20, 3, truncation=0.5).abs().max() <= 0.5
    assert not torch.equal(alone, plain(seeds=[12]))


# ---- ways


@pytest.mark.parametrize("size", [2, 3, 100])
def test_spherical_interpolation_keeps_the_norm_and_turns_evenly(size):
    ends = Latents(0, size).draw(2).double()
    ends = ends / ends.norm(dim=1, keepdim=True) * 3
    way = interpolate(ends, 11, spherical=True).double()
    torch.testing.assert_close(way.norm(dim=1), torch.full((11,), 3.0, dtype=torch.float64), rtol=1e-6, atol=0)
    cosines = torch.nn.functional.cosine_similarity(way[:-1], way[1:])
    torch.testing.assert_close(cosines, cosines[:1].expand(10), rtol=1e-6, atol=1e-7)
    whole = torch.nn.functional.cosine_similarity(ends[:1], ends[1:]).acos()
    torch.testing.assert_close(cosines.acos().sum(), whole[0], rtol=1e-4, atol=1e-4)


def test_between_latents_of_different_norms_the_norm_changes_evenly():
    ends = Latents(1, 50).draw(2) * torch.tensor([[1.0], [3.0]])
    norms = interpolate(ends, 5, spherical=True).norm(dim=1)
    torch.testing.assert_close(norms, torch.linspace(float(norms[0]), float(norms[-1]), 5), rtol=1e-5, atol=0)


def test_linear_interpolation_is_a_straight_line_that_passes_inside_the_sphere():
    ends = Latents(2, 100).draw(2)
    way = interpolate(ends, 5, spherical=False)
    torch.testing.assert_close(way[1], 0.75 * ends[0] + 0.25 * ends[1])
    assert way[2].norm() < 0.9 * ends.norm(dim=1).min()


@pytest.mark.parametrize("spherical", [True, False])
@pytest.mark.parametrize("frames", [2, 3, 9])
def test_the_way_meets_every_latent_bit_for_bit(spherical, frames):
    latents = Latents(3, 20).draw(4)
    way = interpolate(latents, frames, spherical)
    assert way.shape == (3 * (frames - 1) + 1, 20)
    assert torch.equal(way[:: frames - 1], latents)
    assert way.dtype == torch.float32


@pytest.mark.parametrize("ends", [[[1.0, 2], [1, 2]], [[1.0, 2], [-1, -2]], [[0.0, 0], [1, 2]], [[2.0], [-3]]])
def test_where_there_is_no_arc_the_way_is_straight(ends):
    latents = torch.tensor(ends)
    assert torch.equal(interpolate(latents, 5, spherical=True), interpolate(latents, 5, spherical=False))


def test_the_nearest_end_of_each_step():
    assert nearest_end(2, 5).tolist() == [0, 0, 0, 1, 1]
    assert nearest_end(3, 4).tolist() == [0, 0, 1, 1, 1, 2, 2]
    assert nearest_end(3, 2).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("seeds", "frames", "message"),
    [
        ([1], 5, "at least two"),
        ([1, 2], 1, "ask for 2"),
        ([1, 2], 2.5, "ask for 2"),
        ([1, 2], 10**9, "up to 10000"),
        ([], 5, "at least one"),
    ],
)
def test_a_way_that_leads_nowhere_is_refused(plain, seeds, frames, message):
    with pytest.raises(OptionError, match=message):
        plain.interpolate(seeds, frames)


@pytest.mark.parametrize("room", [0, 10**6])
def test_a_way_too_long_for_the_memory_is_refused_before_its_latents_are_made(plain, monkeypatch, room):
    monkeypatch.setattr("zoo.system.memory.available_memory", lambda: room)
    monkeypatch.setattr(plain, "latents", lambda **more: pytest.fail("latents were drawn"))
    monkeypatch.setattr("zoo.generate.generator.interpolate", lambda *more: pytest.fail("the way was made"))
    with pytest.raises(RunError, match=saying("not enough memory", "fewer frames")):
        plain.interpolate(range(100), 1000)


def test_a_way_counts_its_latents_and_its_images(plain, monkeypatch):
    asked = []
    monkeypatch.setattr("zoo.generate.generator.need_memory", lambda needed, advice: asked.append(needed))
    plain.interpolate([3, 17, 21], frames=6)
    assert asked == [11 * (8 * 4 + 16) + 11 * 16 * 64]


def test_the_images_of_a_way_begin_and_end_with_those_of_the_seeds(plain):
    way = plain.interpolate([3, 17, 3], frames=6)
    assert way.shape == (11, 1, 8, 8)
    assert torch.equal(way[[0, 5, 10]], plain(seeds=[3, 17, 3]))
    expected = plain.draw(interpolate(plain.latents(seeds=[3, 17, 3]), 6, True))
    torch.testing.assert_close(way, expected)


def test_by_default_normal_latents_go_along_an_arc_and_uniform_ones_straight(plain, uniform, runs):
    import zoo

    for generator, spherical in ((plain, True), (uniform, False), (zoo.load(runs / "unit"), False)):
        default = generator.interpolate([1, 2], 5)
        assert torch.equal(default, generator.interpolate([1, 2], 5, spherical=spherical))
        assert not torch.equal(default, generator.interpolate([1, 2], 5, spherical=not spherical))


def test_classes_change_half_way_and_are_not_blended(conditional, plain):
    way = conditional.interpolate([1, 2], 5, labels=[0, "2"])
    assert torch.equal(way[:3], conditional.interpolate([1, 2], 5, labels=[0])[:3])
    assert torch.equal(way[3:], conditional.interpolate([1, 2], 5, labels=[2])[3:])
    for ask, message in (
        (lambda: conditional.interpolate([1, 2]), saying("cgan draws classes", "0, 1, 2")),
        (lambda: conditional.interpolate([1, 2], labels=[0, 1, 2]), saying("3 classes were given", "one, or 2")),
        (lambda: conditional.interpolate([1, 2], labels=[3]), saying("label 3", "3 classes")),
        (lambda: plain.interpolate([1, 2], labels=[0]), saying("dcgan draws without labels", "cgan")),
    ):
        with pytest.raises(OptionError, match=message):
            ask()


# ---- arithmetic


def test_arithmetic_is_that_of_tensors(plain):
    z = dict(zip(range(30), plain.latents(seeds=range(30)), strict=True))
    result = plain.arithmetic("mean(3, 17, 21) - mean(5, 9) + 0.5 * (2 - 8)")
    terms = [(z[3] + z[17] + z[21]) / 3, (z[5] + z[9]) / 2, 0.5 * (z[2] - z[8])]
    by_hand = terms[0] - terms[1] + terms[2]
    torch.testing.assert_close(result.latent, by_hand)
    torch.testing.assert_close(result.image, plain.draw(by_hand[None])[0])
    torch.testing.assert_close(result.terms, plain.draw(torch.stack(terms)))
    assert result.latent.shape == (4,)
    assert result.latent.dtype == torch.float32


def test_what_is_drawn_is_of_the_public_kinds(plain):
    assert isinstance(plain.sample(2), generate.Samples)
    assert isinstance(plain.arithmetic("1 + 2"), generate.Arithmetic)


def test_the_mean_of_latents_is_their_mean(plain):
    latents = plain.latents(seeds=[3, 17, 21])
    torch.testing.assert_close(plain.arithmetic("mean(3, 17, 21)").latent, latents.mean(0))
    assert torch.equal(plain.arithmetic("17").latent, latents[1])


def test_the_pictures_of_an_equation_are_those_of_the_numbers(plain):
    result = plain.arithmetic("mean(3, 17) - 5")
    assert list(result.seeds) == [3, 17, 5]
    for number, image in result.seeds.items():
        assert torch.equal(image, plain(seeds=[number])[0])
    assert torch.equal(result.terms[1], plain(seeds=[5])[0])
    assert torch.equal(plain.arithmetic("3").image, plain(seeds=[3])[0])


def test_an_equation_of_one_class(conditional):
    result = conditional.arithmetic("3 + 4", "2")
    assert torch.equal(result.seeds[3], conditional(seeds=[3], labels=[2])[0])
    with pytest.raises(OptionError, match="say which one"):
        conditional.arithmetic("3 + 4")
    with pytest.raises(OptionError, match="label 9"):
        conditional.arithmetic("3 + 4", 9)


@pytest.mark.parametrize("text", [3, None, b"3", ["3"]])
def test_arithmetic_of_what_is_no_text_is_refused(plain, text):
    with pytest.raises(OptionError, match=r"give text, as in 'mean\(3, 17\) - 5'"):
        plain.arithmetic(text)


def test_arithmetic_that_does_not_parse_is_pointed_at(plain):
    with pytest.raises(ExpressionError, match=r"\n  3 \+ x\n      \^"):
        plain.arithmetic("3 + x")


def test_a_truncated_equation_is_of_truncated_latents(plain):
    result = plain.arithmetic("mean(3, 4)", truncation=0.4)
    torch.testing.assert_close(result.latent, plain.latents(seeds=[3, 4], truncation=0.4).mean(0))


@pytest.mark.parametrize(
    "text",
    [
        "3",
        "-3",
        "mean(3, 4)",
        "3 - 4 + mean(5, 6, 7) - 2 * 8",
        f"mean({','.join(map(str, range(30)))})",
        "1+" * 20 + "1",
    ],
)
def test_every_equation_has_a_picture_with_room_for_all_of_it(plain, text):
    import numpy as np

    picture = plain.arithmetic(text).picture()
    pixels = np.asarray(picture)
    assert picture.mode == "L"
    terms = len(plain.arithmetic(text).terms)
    assert picture.width * (picture.height // 112) >= 112 * (terms + 1)
    border = np.concatenate(
        [pixels[:4].flatten(), pixels[-4:].flatten(), pixels[:, :4].flatten(), pixels[:, -4:].flatten()]
    )
    assert set(border.tolist()) == {24}, "nothing is cut off"
    assert (pixels == 235).any(), "something is written"


def test_a_long_equation_goes_on_below(plain):
    from zoo.generate.latent.arithmetic import WIDEST

    short, long = (plain.arithmetic("+".join(["1"] * terms)).picture() for terms in (5, 100))
    assert short.width < long.width <= WIDEST
    assert long.height % short.height == 0
    assert long.height > 5 * short.height


def test_an_equation_shows_terms_and_result_where_they_belong(plain):
    import numpy as np

    from zoo.generate.latent.arithmetic import LARGE, MARGIN
    from zoo.generate.pictures.grid import enlarge, to_pixels

    result = plain.arithmetic("3 - 4")
    pixels = np.asarray(result.picture())
    first = enlarge(to_pixels(result.terms[:1])[0], LARGE)[..., 0]
    last = enlarge(to_pixels(result.image[None])[0], LARGE)[..., 0]
    np.testing.assert_array_equal(pixels[MARGIN : MARGIN + LARGE, MARGIN : MARGIN + LARGE], first)
    np.testing.assert_array_equal(pixels[MARGIN : MARGIN + LARGE, -MARGIN - LARGE : -MARGIN], last)
