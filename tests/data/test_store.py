"""The prepared store: what is in it, and what it tells the person."""

from __future__ import annotations

import json

import numpy as np
import pytest
from data_files import Numbers
from PIL import Image

from zoo.data import DataSpec, Images, prepare
from zoo.errors import DataError

SPEC = DataSpec(1, 4, 4)


def test_a_store_holds_all_images_and_labels_in_order():
    store = prepare(Numbers(), SPEC)
    assert store.images.shape == (100, 4, 4, 1)
    assert store.images.dtype == np.uint8
    assert store.images[:, 0, 0, 0].tolist() == list(range(100))
    assert store.labels.tolist() == [n % 2 for n in range(100)]
    assert (store.spec, store.class_names, len(store)) == (DataSpec(1, 4, 4, 2), ["even", "odd"], 100)


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_the_result_does_not_depend_on_the_number_of_workers(workers, cache):
    store = prepare(Numbers(), SPEC, workers=workers)
    assert store.images[:, 0, 0, 0].tolist() == list(range(100))


def test_images_cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        prepare(Numbers(), SPEC).images[0] = 1


def test_a_second_start_decodes_nothing():
    prepare(Numbers(), SPEC)
    again = Numbers()
    assert len(prepare(again, SPEC)) == 100
    assert again.decoded == 0


def test_another_geometry_or_content_is_another_store():
    places = {
        prepare(source, spec).directory
        for source in (Numbers(), Numbers(count=99))
        for spec in (SPEC, DataSpec(3, 4, 4), DataSpec(1, 8, 4), DataSpec(1, 4, 8))
    }
    assert len(places) == 8


def test_cropped_and_stretched_images_lie_side_by_side(caplog):
    source, spec = Numbers(size=(4, 8)), DataSpec(1, 4, 4)
    with caplog.at_level("INFO", "zoo.data"):
        stretched = prepare(source, spec, fit="stretch")
    assert caplog.messages[0] == "8×4×1 images are resized to 4×4 (all of each is squeezed in)"
    assert prepare(source, spec).directory != stretched.directory
    decoded = source.decoded
    assert prepare(source, spec, fit="crop").directory == prepare(source, spec).directory
    assert prepare(source, spec, fit="stretch").directory == stretched.directory
    assert source.decoded == decoded


def test_a_way_to_fit_that_there_is_not_is_refused():
    with pytest.raises(DataError, match=r"unknown fit 'strech'; did you mean 'stretch'\?"):
        prepare(Numbers(), SPEC, fit="strech")


def test_the_number_of_classes_wanted_does_not_matter():
    assert prepare(Numbers(), DataSpec(1, 4, 4, 7)).directory == prepare(Numbers(), SPEC).directory


def test_progress_ends_at_the_total():
    calls = []
    prepare(Numbers(bad=(3, 4)), SPEC, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (100, 100)
    assert calls == sorted(calls)


def test_only_a_few_items_are_read_ahead():
    """Memory stays bounded: `chunks` is not read faster than the results are written."""
    ahead = []
    written = [0]

    class Watched(Numbers):
        def chunks(self):
            for item in range(self.count):
                ahead.append(item - written[0])
                yield item

    prepare(Watched(), SPEC, workers=2, progress=lambda done, _: written.__setitem__(0, done))
    assert max(ahead) <= 4


@pytest.mark.parametrize(
    ("source", "spec", "lines"),
    [
        (Numbers(), SPEC, []),
        (Numbers(channels=3, size=(32, 32)), DataSpec(3, 64, 64), ["32×32×3 images are resized to 64×64"]),
        (Numbers(), DataSpec(3, 4, 4), ["grey images are repeated in three channels"]),
        (Numbers(channels=3), SPEC, ["colour images are turned to grey"]),
        (Numbers(size=(4, 8)), SPEC, ["8×4×1 images are resized to 4×4 (the middle is kept)"]),
        (Numbers(bad=(7,)), SPEC, ["1 of 100 images cannot be read and are skipped: 7.png (torn)"]),
        (
            Numbers(bad=(7, 8, 9, 11)),
            SPEC,
            ["4 of 100 images cannot be read and are skipped: 7.png (torn); 8.png (torn); 9.png (torn), …"],
        ),
    ],
)
def test_the_person_is_told_what_happened_to_the_images_every_time(source, spec, lines, caplog):
    for _ in range(2):
        caplog.clear()
        with caplog.at_level("INFO", "zoo.data"):
            notes = prepare(source, spec).notes
        assert caplog.messages == notes
        assert [note for note in notes if "of one colour" not in note] == lines, "each of these images is"


def test_skipped_images_leave_no_hole():
    store = prepare(Numbers(bad=(0, 50)), SPEC)
    assert store.images[:, 0, 0, 0].tolist() == [n for n in range(100) if n not in (0, 50)]
    assert store.labels.tolist() == [n % 2 for n in range(100) if n not in (0, 50)]
    assert store.skipped == [("0.png", "torn"), ("50.png", "torn")]


def test_strict_stops_and_leaves_nothing(cache):
    with pytest.raises(DataError, match=r"50.png cannot be read: torn \(--strict"):
        prepare(Numbers(bad=(50,)), SPEC, strict=True)
    assert list((cache / "prepared").iterdir()) == []


def test_a_source_without_a_readable_image_is_an_error():
    with pytest.raises(DataError, match=r"not one image can be read: 0\.png"):
        prepare(Numbers(count=3, bad=(0, 1, 2)), SPEC)


class Wrong(Numbers):
    """Delivers whatever it is given."""

    def __init__(self, part):
        super().__init__()
        self.part = part

    def decode(self, item, spec):
        yield self.part


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (Images(np.zeros((1, 4, 4, 1), np.float32), np.zeros(1, np.int64)), "delivered float32"),
        (Images(np.zeros((1, 4, 4, 2), np.uint8), np.zeros(1, np.int64)), r"shape \(1, 4, 4, 2\)"),
        (Images(np.zeros((4, 4, 1), np.uint8), np.zeros(1, np.int64)), r"shape \(4, 4, 1\)"),
        (Images(np.zeros((1, 4, 4, 1), np.uint8), np.full(1, 2)), "labels that do not fit"),
        (Images(np.zeros((1, 4, 4, 1), np.uint8), np.full(1, -1)), "labels that do not fit"),
        (Images(np.zeros((1, 4, 4, 1), np.uint8), None), "no label"),
    ],
)
def test_a_source_that_delivers_no_images_is_told_so(part, message, cache):
    with pytest.raises(DataError, match=message):
        prepare(Wrong(part), SPEC)
    assert list((cache / "prepared").iterdir()) == []


@pytest.mark.parametrize("spec", [DataSpec(2, 4, 4), DataSpec(1, 0, 4), DataSpec(3, 4, -1)])
def test_an_impossible_geometry_is_an_error(spec):
    with pytest.raises(DataError, match="cannot be prepared as"):
        prepare(Numbers(), spec)


def test_a_file_that_vanishes_while_it_is_read_is_an_error():
    class Vanishing(Numbers):
        def chunks(self):
            yield 0
            raise FileNotFoundError(2, "No such file", "numbers.bin")

    with pytest.raises(DataError, match=r"numbers cannot be read on.*numbers\.bin"):
        prepare(Vanishing(), SPEC)


def test_colour_becomes_grey_as_pillow_does_it():
    random = np.random.default_rng(0).integers(0, 256, (1, 9, 7, 3), np.uint8)

    class Noise(Numbers):
        def decode(self, item, spec):
            yield Images(random, np.zeros(1, np.int64))

    grey = prepare(Noise(count=1, channels=3, size=(9, 7)), DataSpec(1, 9, 7)).images[0, ..., 0]
    np.testing.assert_array_equal(grey, np.asarray(Image.fromarray(random[0]).convert("L")))


def test_releasing_keeps_the_images():
    store = prepare(Numbers(), SPEC)
    before = store.images.copy()
    store.release()
    np.testing.assert_array_equal(store.images, before)


def test_the_description_is_plain_json():
    meta = json.loads((prepare(Numbers(bad=(1,)), SPEC).directory / "meta.json").read_text())
    assert meta["shape"] == [99, 4, 4, 1]
    assert meta["skipped"] == [["1.png", "torn"]]
