"""Drawing: latents, labels, grids, films."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from messages import saying
from PIL import Image, features
from support import tiny
from torch import nn

import zoo
from zoo.errors import OptionError, RunError
from zoo.generate.latent.latents import Latents
from zoo.generate.pictures.animation import FRAMES, animate, save_film
from zoo.generate.pictures.grid import columns_for, grid, make_grid, save, strip, to_picture, to_pictures, to_pixels
from zoo.generate.sampling import BATCH, draw_images

# ---- latents


def test_latents_of_a_seed_are_the_same_every_time():
    assert torch.equal(Latents(1, 5).draw(4), Latents(1, 5).draw(4))
    assert not torch.equal(Latents(1, 5).draw(4), Latents(2, 5).draw(4))
    source = Latents(1, 5)
    assert not torch.equal(source.draw(4), source.draw(4))


def test_latents_do_not_disturb_the_random_numbers_of_others():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    Latents(1, 5).draw(4)
    Latents(1, 5).labels(4, 3)
    assert torch.equal(before, torch.get_rng_state())


def test_latents_have_the_distribution_that_is_asked_for():
    normal, uniform = Latents(0, 100).draw(400), Latents(0, 100, "uniform").draw(400)
    assert normal.mean().abs() < 0.02
    assert (normal.std() - 1).abs() < 0.02
    assert normal.abs().max() > 3
    assert uniform.min() >= -1
    assert uniform.max() < 1
    assert (uniform.std() - 3**-0.5).abs() < 0.01
    unit = Latents(0, 100, "unit").draw(400)
    assert unit.min() >= 0
    assert unit.max() < 1
    assert (unit.std() - 12**-0.5).abs() < 0.01
    assert (unit.mean() - 0.5).abs() < 0.01


def test_random_labels_cover_all_classes_evenly():
    counts = torch.bincount(Latents(0, 1).labels(4000, 4), minlength=4)
    assert len(counts) == 4
    assert counts.min() > 900


# ---- pictures from a network


class Echo(nn.Module):
    """An image of one pixel: the latent's first number, and in training mode nothing but that."""

    def __init__(self):
        super().__init__()
        self.modes, self.sizes = [], []

    def forward(self, latents, labels=None):
        self.modes.append(self.training)
        self.sizes.append(len(latents))
        return (latents[:, :1] + (0 if labels is None else labels[:, None]))[:, :, None, None]


def test_pictures_are_drawn_in_bounded_batches_in_order_and_in_evaluation_mode():
    network = Echo().train()
    latents = torch.randn(2 * BATCH + 3, 2)
    labels = torch.arange(len(latents))
    drawn = draw_images(network, latents, labels)
    assert torch.equal(drawn.flatten(), latents[:, 0] + labels)
    assert network.sizes == [BATCH, BATCH, 3]
    assert set(network.modes) == {False}
    assert network.training, "it is left as it came"


def test_a_network_is_left_as_it_came_after_an_error_too():
    network = nn.Linear(3, 1).train()
    with pytest.raises(RuntimeError):
        draw_images(network, torch.ones(2, 2))
    assert network.training


def test_a_picture_depends_on_its_own_latent_alone(plain):
    many = plain(70, seed=3)
    one = draw_images(plain.network, plain.latents(70, 3)[42:43])
    torch.testing.assert_close(one[0], many[42])


def test_a_generator_draws_what_it_is_asked_for(plain):
    assert plain().shape == (1, 1, 8, 8)
    assert plain(3).shape == (3, 1, 8, 8)
    assert not plain(3).requires_grad
    pictures = plain.images(2, seed=4)
    assert [picture.size for picture in pictures] == [(8, 8), (8, 8)]
    np.testing.assert_array_equal(np.asarray(pictures[1]), to_pixels(plain(2, seed=4))[1, :, :, 0])
    assert repr(plain) == "Generator('dcgan', step=4, shape=(1, 8, 8), classes=0)"


@pytest.mark.parametrize("count", [0, -1, 1.5, True])
def test_fewer_than_one_picture_is_refused(plain, count):
    for ask in (plain, plain.latents):
        with pytest.raises(OptionError, match=f"n {count}: ask for at least 1"):
            ask(count)


# ---- labels


def test_labels_are_indices_or_names_repeated_to_make_up_the_number(conditional):
    assert conditional.sample(labels=[2, "1", 0]).labels.tolist() == [2, 1, 0]
    assert conditional.sample(labels=torch.tensor([1, 1])).labels.tolist() == [1, 1]
    assert conditional.sample(labels=np.array([2, 1])).labels.tolist() == [2, 1]
    assert conditional(5, labels=[0, 2]).shape[0] == 5
    assert torch.equal(conditional(5, labels=[0, 2]), conditional(5, labels=[0, 2, 0, 2, 0]))
    assert conditional(labels=[0, 2, 1]).shape[0] == 3
    assert torch.equal(conditional(4), conditional(4, labels=[0, 1, 2, 0]))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([3], saying("label 3", "3 classes", "0 to 2: 0, 1, 2")),
        ([-1], saying("label -1", "3 classes")),
        (["7"], "label 7 is not one of"),
        (["cat"], "unknown class 'cat'; known: 0, 1, 2"),
        (["²"], "unknown class '²'"),
        (["--1"], "unknown class '--1'"),
        ([""], "unknown class ''"),
        ([], "give at least one"),
        ([1.7], saying("label 1.7", "whole numbers from 0 to 2", "names: 0, 1, 2")),
        ([1.0], r"label 1\.0 is no class"),
        (torch.tensor([1.7]), "is no class"),
        ([True], "label True is no class"),
        ([None], "label None is no class"),
        (1, saying("labels 1", "a list", "[1]")),
        ("12", saying("labels '12'", "a list", "['12']")),
        (torch.tensor(1), saying("a list", "[1]")),
    ],
)
def test_labels_that_do_not_exist_are_refused_in_words(conditional, labels, message):
    with pytest.raises(OptionError, match=message):
        conditional(labels=labels)


def test_labels_for_a_generator_without_any_are_refused_in_words(plain):
    for ask in (lambda: plain(labels=[1]), lambda: plain(2, all_classes=True)):
        with pytest.raises(OptionError, match=saying("dcgan draws without labels", "leave them out", "cgan")):
            ask()


# ---- loading


def test_a_step_is_chosen_or_the_newest(conditional, images):
    run = zoo.train("dcgan", data=str(images), out="run", **tiny("dcgan", checkpoint_every=2))
    assert zoo.load(run).step == 4
    early = zoo.load("run", step=2)
    assert early.step == 2
    assert not torch.equal(early(2), zoo.load(run)(2))
    with pytest.raises(RunError, match=saying("no checkpoint of step 3", "2, 4")):
        zoo.load(run, step=3)


# ---- pixels and grids


def test_numbers_become_the_nearest_level():
    values = torch.tensor([-1.0, 1.0, 0.0, -2.0, 2.0, -1 + 0.49 / 127.5, -1 + 0.51 / 127.5]).view(1, 1, 1, 7)
    assert to_pixels(values).flatten().tolist() == [0, 255, 128, 0, 255, 0, 1]


def test_every_level_survives_the_way_to_a_network_and_back():
    levels = torch.arange(256, dtype=torch.float32).view(1, 1, 16, 16)
    assert to_pixels(levels / 127.5 - 1).flatten().tolist() == list(range(256))


def test_pixels_keep_rows_columns_and_channels_apart():
    images = torch.rand(2, 3, 4, 5) * 2 - 1
    pixels = to_pixels(images)
    assert (pixels.shape, pixels.dtype) == ((2, 4, 5, 3), np.uint8)
    assert pixels[1, 2, 3, 0] == round((float(images[1, 0, 2, 3]) + 1) * 127.5)
    assert to_picture(pixels[0]).mode == "RGB"
    assert to_picture(pixels[0, :, :, :1]).mode == "L"


@pytest.mark.parametrize(
    ("count", "classes", "columns"),
    [
        (1, 0, 1),
        (64, 0, 8),
        (60, 0, 7),
        (100, 10, 10),
        (64, 10, 10),
        (5, 10, 2),
        (64, 100, 8),
        (64, 1, 8),
        (3, 3, 3),
        (2, 0, 2),
        (3, 0, 3),
        (4, 0, 2),
        (0, 0, 1),
    ],
)
def test_a_grid_is_about_square_or_has_a_column_for_each_class(count, classes, columns):
    assert columns_for(count, classes) == columns


@pytest.mark.parametrize("channels", [1, 3])
def test_a_grid_holds_every_image_at_its_place(channels):
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (5, 60, 64, channels), np.uint8)
    picture = np.asarray(grid(pixels, columns=2, gap=3)).reshape(3 * 63 + 3, 2 * 67 + 3, channels)
    for index, image in enumerate(pixels):
        top, left = 3 + index // 2 * 63, 3 + index % 2 * 67
        np.testing.assert_array_equal(picture[top : top + 60, left : left + 64], image)
    assert set(picture[:3].flatten()) == set(picture[:, :3].flatten()) == set(picture[-63:, -67:].flatten()) == {24}


def test_small_images_are_enlarged_by_a_whole_factor():
    pixels = np.array([[[[10], [20]], [[30], [40]]]], np.uint8)
    picture = np.asarray(grid(pixels, columns=1, gap=0))
    assert picture.shape == (56, 56)
    np.testing.assert_array_equal(picture, pixels[0, :, :, 0].repeat(28, 0).repeat(28, 1))


def test_a_grid_is_no_wider_than_its_images():
    images = torch.zeros(3, 1, 60, 60)
    assert make_grid(images, 10**12).size == make_grid(images, 3).size == (3 * 62 + 2, 62 + 2)
    for columns in (0, -1, 2.5):
        with pytest.raises(OptionError, match=f"columns {columns}: give at least 1"):
            make_grid(images, columns)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".PNG"])
def test_the_suffix_says_which_format_a_picture_is_written_in(suffix):
    path = Path("picture" + suffix)
    save(to_picture(np.full((8, 8, 1), 200, np.uint8)), path)
    with Image.open(path) as picture:
        assert picture.format == ("PNG" if suffix.lower() == ".png" else "JPEG")
        assert abs(int(np.asarray(picture)[4, 4]) - 200) <= 1


@pytest.mark.parametrize("count", [*range(1, 14), 17, 61, 97, 100])
def test_a_grid_of_any_count_holds_every_image_once_and_no_empty_row(count):
    pixels = np.arange(1, count + 1, dtype=np.uint8)[:, None, None, None].repeat(60, 1).repeat(60, 2) + 100
    columns = columns_for(count)
    picture = np.asarray(grid(pixels, columns))
    rows = -(-count // columns)
    assert picture.shape == (rows * 62 + 2, columns * 62 + 2)
    assert columns <= rows <= columns + 2 if count > 3 else rows == 1
    centres = picture[32::62, 32::62].flatten()
    assert centres.tolist() == [101 + index for index in range(count)] + [24] * (rows * columns - count)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("level", [0, 255])
def test_captions_stand_below_their_images_and_can_be_read_on_black_and_white(channels, level):
    pixels = np.full((3, 8, 8, channels), level, np.uint8)
    picture = np.asarray(grid(pixels, 2, captions=["0", "", "4294967295 (aeroplane)"])).reshape(
        2 * 76 + 2, -1, channels
    )
    width = (picture.shape[1] - 6) // 2
    assert width > 100, "wide enough for the longest caption"
    bands = [picture[60:76, 2 : 2 + width], picture[60:76, 4 + width : 4 + 2 * width], picture[136:152, 2 : 2 + width]]
    assert [int(band.max()) >= 200 for band in bands] == [True, False, True]
    assert {int(band.min()) for band in bands} == {24}
    left = 2 + (width - 56) // 2
    assert (picture[2:58, left : left + 56] == level).all(), "nothing is written on the image"
    assert (picture[:, :2] == 24).all()
    assert (picture[:, -2:] == 24).all(), "no caption is cut off"


def test_tensors_become_pillow_images_one_by_one_or_in_a_grid():
    images = torch.linspace(-1, 1, 3).view(3, 1, 1, 1).expand(3, 3, 60, 60)
    assert [picture.getpixel((5, 5)) for picture in to_pictures(images)] == [
        (0, 0, 0),
        (128, 128, 128),
        (255, 255, 255),
    ]
    assert make_grid(images, columns=3).size == (3 * 62 + 2, 62 + 2)
    assert make_grid(images).size == (3 * 62 + 2, 62 + 2)
    assert make_grid(images, 3, ["a", "b", "c"]).size == (3 * 62 + 2, 62 + 18 + 2)


def test_a_strip_has_a_row_from_each_to_the_next():
    pixels = np.arange(7, dtype=np.uint8)[:, None, None, None].repeat(60, 1).repeat(60, 2)
    picture = np.asarray(strip(pixels, 4, ["a", "b", "c"]))
    assert picture.shape == (2 * 80 + 2, 4 * 62 + 2)
    assert picture[30::80, 30::62].tolist() == [[0, 1, 2, 3], [3, 4, 5, 6]]
    written = [[bool((picture[62 + 80 * row : 80 + 80 * row, 2 + 62 * column : 62 + 62 * column] > 24).any())
                for column in range(4)] for row in range(2)]  # fmt: skip
    assert written == [[True, False, False, True]] * 2
    assert np.asarray(strip(pixels, 4)).shape == (2 * 62 + 2, 4 * 62 + 2)


def test_a_picture_too_large_for_its_format_is_refused_in_words():
    with pytest.raises(RunError, match=saying("cannot write x.jpg", "65501×1 pixels", "at most 65500")):
        save(Image.new("L", (65501, 1)), Path("x.jpg"))
    save(Image.new("L", (65501, 1)), Path("x.png"))


def test_the_names_for_tensors_of_your_own_are_all_there():
    import zoo.generate

    for name in zoo.generate.__all__:
        assert callable(getattr(zoo.generate, name))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        zoo.generate.nonsense  # noqa: B018


# ---- films


def pictures(count: int, mode: str = "L") -> list[Path]:
    paths = []
    for index in range(count):
        paths.append(Path(f"{index:03d}.png"))
        colour = index % 256 if mode == "L" else (index % 256, 0, 255 - index % 256)
        Image.new(mode, (9, 7), colour).save(paths[-1])
    return paths


def frames(path: Path) -> list[tuple[np.ndarray, int]]:
    with Image.open(path) as film:
        assert film.info["loop"] == 0
        found = []
        for index in range(film.n_frames):
            film.seek(index)
            found.append((np.asarray(film.convert("RGB")), film.info["duration"]))
    return found


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_film_shows_the_grids_in_order_and_rests_on_the_last(mode):
    animate(pictures(4, mode), Path("film.gif"), milliseconds=100, rest=900)
    shown = frames(Path("film.gif"))
    assert [duration for _, duration in shown] == [100, 100, 100, 900]
    assert [image[0, 0, 0] for image, _ in shown] == [0, 1, 2, 3]
    assert shown[0][0].shape == (7, 9, 3)


@pytest.mark.parametrize("count", [FRAMES, FRAMES + 1, 3 * FRAMES + 7])
def test_a_long_film_leaves_grids_out_but_never_the_first_or_last(count):
    animate(pictures(count), Path("film.gif"))
    shown = [int(image[0, 0, 0]) for image, _ in frames(Path("film.gif"))]
    assert len(shown) <= FRAMES + 1
    assert len(shown) > FRAMES // 2
    assert (shown[0], shown[-1]) == (0, (count - 1) % 256)
    assert shown == sorted(shown)


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_grids_make_no_film(count):
    animate(pictures(count), Path("film.gif"))
    assert not Path("film.gif").exists()


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("suffix", [".gif", ".webp", ".apng", ".GIF"])
def test_films_of_every_kind_show_their_pictures_for_their_time(mode, suffix):
    if suffix == ".webp" and not features.check("webp"):
        pytest.skip("this Pillow has no WebP")
    levels = [0, 90, 255]
    path = Path("film" + suffix)
    save_film(
        (Image.new(mode, (9, 7), level if mode == "L" else (level, 0, 0)) for level in levels), path, [80, 200, 600]
    )
    with Image.open(path) as film:
        assert film.n_frames == 3
        assert film.info["loop"] == 0
        for index, (level, time) in enumerate(zip(levels, [80, 200, 600], strict=True)):
            film.seek(index)
            film.load()
            assert film.convert("RGB").getpixel((4, 4))[0] == level
            assert film.info.get("duration", time) == time


def test_a_webp_film_without_webp_is_refused_in_words(monkeypatch):
    monkeypatch.setattr(features, "check", lambda feature: False)
    with pytest.raises(RunError, match=saying("without WebP", ".gif or .apng")):
        save_film([Image.new("L", (2, 2))] * 2, Path("film.webp"), [80, 80])
