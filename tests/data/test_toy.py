"""Toy data: densities that are densities, samples that follow them, points that pass through the store as they are."""

import numpy as np
import pytest

from zoo.data import DataSource, DataSpec, Images, Loader, open_source, prepare
from zoo.data.cache import digest
from zoo.data.formats.toy import COUNT, MIXTURES, Mixture, mixture
from zoo.data.store_writer import VERSION
from zoo.errors import DataError

NAMES = list(MIXTURES)


def spec_of(name: str) -> DataSpec:
    return DataSpec(1, 1, mixture(name).dimensions, points=True)


@pytest.mark.parametrize("name", NAMES)
def test_a_density_sums_to_one(name):
    """By sampling from a wider mixture of the same modes and weighing with the ratio of densities."""
    what = mixture(name)
    wider = what.with_deviation(2 * what.deviation)
    points = wider.samples(20_000, np.random.default_rng(0))
    assert np.mean(what.density(points) / wider.density(points)) == pytest.approx(1, abs=0.05)


def test_a_density_on_the_line_is_the_formula():
    what = Mixture.of([[-0.5], [0.25]], 0.1, [0.3, 0.7])
    at = np.array([[0.0], [0.2], [-0.5]])
    bell = lambda x, mean: np.exp(-((x - mean) ** 2) / 0.02) / (0.1 * np.sqrt(2 * np.pi))  # noqa: E731
    assert what.density(at) == pytest.approx(0.3 * bell(at[:, 0], -0.5) + 0.7 * bell(at[:, 0], 0.25))


def test_the_logarithm_of_a_density_is_finite_where_the_density_is_zero():
    far = np.array([[50.0, 50.0]])
    assert mixture("ring").density(far) == 0
    assert np.isfinite(mixture("ring").log_density(far)).all()


@pytest.mark.parametrize("name", NAMES)
def test_samples_lie_around_the_modes_by_weight_and_deviation(name):
    what = mixture(name)
    points = what.samples(20_000, np.random.default_rng(1))
    distances = np.linalg.norm(points[:, None] - what.modes[None], axis=-1)
    nearest = distances.argmin(1)
    shares = np.bincount(nearest, minlength=len(what.modes)) / len(points)
    assert shares == pytest.approx(what.weights, abs=0.02)
    offsets = points - what.modes[nearest]
    assert offsets.std() == pytest.approx(what.deviation, rel=0.05)


def test_the_shapes_of_the_papers():
    ring, grid = mixture("ring"), mixture("grid")
    assert ring.modes.shape == (8, 2)
    assert np.linalg.norm(ring.modes, axis=1) == pytest.approx(np.full(8, ring.deviation * 100))
    assert grid.modes.shape == (25, 2)
    sides = np.unique(grid.modes[:, 0].round(9))
    assert np.diff(sides) == pytest.approx(np.full(4, 40 * grid.deviation))


def test_a_mixture_that_makes_no_sense_is_refused():
    with pytest.raises(DataError, match="sum 1"):
        Mixture.of([[0.0], [1.0]], 0.1, [0.5, 0.6])
    with pytest.raises(DataError, match="above 0"):
        Mixture.of([[0.0]], 0.0)
    with pytest.raises(DataError, match="did you mean 'ring'"):
        mixture("rign")


@pytest.mark.parametrize("name", NAMES)
def test_points_reach_a_batch_as_they_were_drawn(name):
    source = open_source(name)
    store = prepare(source, spec_of(name))
    assert len(store) == COUNT
    assert store.spec == spec_of(name)
    assert store.notes == []
    drawn = np.concatenate([part.pixels for item in source.chunks() for part in source.decode(item, store.spec)])
    assert drawn.dtype == store.images.dtype == np.float32
    assert np.array_equal(drawn, store.images)
    assert np.abs(drawn).max() <= 1
    loader = Loader(store, 64, seed=5)
    images, labels = loader.batch(3)
    assert labels is None
    assert images.shape == (64, *store.spec.shape)
    rows = {row.tobytes() for row in drawn.reshape(COUNT, -1)}
    assert all(row.tobytes() in rows for row in images.numpy().reshape(64, -1))
    assert np.array_equal(Loader(store, 64, order="sequential").batch(0).images.numpy().ravel(), drawn[:64].ravel())


def test_a_store_of_points_is_found_again_and_a_short_one_is_made_anew():
    source, spec = open_source("line"), spec_of("line")
    store = prepare(source, spec)
    assert prepare(source, spec).directory == store.directory
    file = store.directory / "points.f32"
    file.write_bytes(file.read_bytes()[:-4])
    assert len(prepare(source, spec)) == COUNT


class Deliver(DataSource):
    """Delivers what it is told to, as points."""

    name = "deliver"
    summary = "For these tests."
    points = True

    @classmethod
    def accepts(cls, location):
        return False

    def __init__(self, pixels):
        self.pixels = pixels
        self.title, self.channels, self.height, self.width = "deliver", 1, 1, 2

    def __len__(self):
        return len(self.pixels)

    def fingerprint(self):
        return f"deliver {self.pixels!r}"

    def chunks(self):
        return [0]

    def decode(self, item, spec):
        yield Images(self.pixels)


def test_images_and_points_of_one_source_are_two_stores():
    """A source that now gives points is not answered with the images that it gave before."""

    class Before(Deliver):
        points = False

        def fingerprint(self):
            return "the same"

    class Now(Before):
        points = True

    before = prepare(Before(np.zeros((3, 1, 2, 1), np.uint8)), DataSpec(1, 1, 2))
    now = prepare(Now(np.zeros((3, 1, 2, 1), np.float32)), DataSpec(1, 1, 2, points=True))
    assert (before.images.dtype, now.images.dtype) == (np.uint8, np.float32)
    assert before.directory != now.directory


def test_the_place_of_prepared_images_is_that_of_older_versions():
    """Else everybody's images are prepared once more."""
    source = open_source("digits")
    assert prepare(source, DataSpec(1, 28, 28)).directory.name == digest(VERSION, source.fingerprint(), 1, 28, 28)


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.full((3, 1, 2, 1), 1.5, np.float32), r"outside \[-1, 1\]"),
        (np.full((3, 1, 2, 1), np.nan, np.float32), r"outside \[-1, 1\]"),
        (np.zeros((3, 1, 2, 1), np.float64), "float64"),
        (np.zeros((3, 2), np.float32), r"\(3, 2\)"),
    ],
)
def test_points_that_do_not_fit_are_refused(pixels, message):
    with pytest.raises(DataError, match=message):
        prepare(Deliver(pixels), DataSpec(1, 1, 2, points=True))


def test_a_toy_source_has_no_parts():
    with pytest.raises(DataError, match="write --data ring"):
        open_source("ring:8")
