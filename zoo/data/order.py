"""The orders in which an epoch goes through the data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.integer]


def shuffled(size: int, random: np.random.Generator) -> Indices:
    """The numbers below `size` in random order, each order as likely as any other."""
    numbers = np.arange(size, dtype=_narrowest(size))
    random.shuffle(numbers)
    return numbers


def buffered(size: int, buffer: int, random: np.random.Generator) -> Indices:
    """The numbers below `size`, shuffled as tf.data does: through a buffer of so many places.

    The buffer is filled with the first numbers. Again and again a place is chosen at random, its number comes next, and the
    next number of the data takes the place; when the data is at its end, what is left comes in random order. So a number
    can come any time late, but never more than `buffer` - 1 early. Nothing is simulated number by number: a number leaves
    when the next one comes to its place.
    """
    buffer = min(buffer, size)
    kind = _narrowest(size)
    places = np.concatenate([np.arange(buffer, dtype=kind), random.integers(0, buffer, size - buffer, dtype=kind)])
    visits = np.argsort(places, kind="stable").astype(kind)  # place by place, the numbers that come to it, in order
    last = np.append(places[visits[1:]] != places[visits[:-1]], True)
    order = np.empty(size, dtype=kind)
    following = visits[1:][~last[:-1]]
    order[following - buffer] = visits[:-1][~last[:-1]]
    left = visits[last]
    random.shuffle(left)
    order[size - buffer :] = left
    return order


def balanced(classes: Sequence[Indices], size: int, random: np.random.Generator) -> Indices:
    """`size` numbers, the classes in turn: so any B neighbours hold each of K classes floor(B / K) or ceil(B / K) times.

    `classes` has the numbers of each, none of them empty. Each class comes in a random order, and again in another one when it is
    at its end, as a small one soon is; of a large one the other numbers wait for later epochs. The turn is random too.
    """
    turn = random.permutation(len(classes))
    order = np.empty(size, dtype=_narrowest(max(int(numbers.max()) for numbers in classes) + 1))
    for place, number in enumerate(turn):
        numbers, wanted = classes[number], len(range(place, size, len(turn)))
        rounds = [random.permutation(numbers) for _ in range(-(-wanted // len(numbers)))]
        order[place :: len(turn)] = np.concatenate([numbers[:0], *rounds])[:wanted]
    return order


def _narrowest(size: int) -> type[np.signedinteger]:
    return np.int32 if size < 2**31 else np.int64  # 4 bytes per image, not 8
