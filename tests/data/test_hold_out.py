"""Images that are held out are in no batch, whatever the order; without any, every batch is what it was."""

from __future__ import annotations

import numpy as np
import pytest
from messages import assert_says
from support import flags, state_of, tiny

from zoo.data.loader import Loader
from zoo.errors import DataError


@pytest.mark.parametrize("order", ["shuffle", "buffer", "sequential", "slice"])
def test_what_is_held_out_is_in_no_batch(images, order):
    store = state_of("dcgan", images, **tiny("dcgan")).batches.loader.store
    loader = Loader(store, 6, seed=4, order=order, hold_out=5)
    seen = {int(place) for number in range(30) for place in loader.places(loader._indices(number))}
    assert len(set(loader.held_out.tolist())) == 5
    assert seen
    assert seen <= set(range(24)) - set(loader.held_out.tolist())
    number = 3
    places = loader.places(loader._indices(number))
    wanted = store.images[places].transpose(0, 3, 1, 2) / 127.5 - 1
    np.testing.assert_allclose(loader.batch(number).images.numpy(), wanted, atol=1e-6)
    assert loader.batch(number).labels.tolist() == store.labels[places].tolist()


def test_the_seed_chooses_which_and_an_epoch_is_as_long_as_what_is_left(images):
    store = state_of("dcgan", images, **tiny("dcgan")).batches.loader.store
    one, same, other = (Loader(store, 6, seed=seed, hold_out=5) for seed in (1, 1, 2))
    assert one.held_out.tolist() == same.held_out.tolist() != other.held_out.tolist()
    assert (one.images, one.batches_per_epoch) == (19, 3)
    assert len(Loader(store, 6).held_out) == 0


def test_holding_out_more_than_leaves_a_batch_is_refused(images, cli):
    with pytest.raises(DataError) as error:
        state_of("dcgan", images, **tiny("dcgan", hold_out=17))
    assert_says(str(error.value), "--hold-out 17 leaves 7 of 24 images", "one batch of 8", "hold out fewer")
    outcome = cli("train", "dcgan", "--data", images, "--out", "run", *flags(tiny("dcgan", hold_out=30)))
    assert outcome.code == 2
    assert "--hold-out 30 leaves 0 of 24" in outcome.err
