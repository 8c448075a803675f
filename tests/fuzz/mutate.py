"""Damages a file as a seed decides: bits, numbers, lengths, parts that are lost, repeated, moved or taken from another."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence

LARGEST = 1 << 20
"""Bytes of a file that comes out, at most."""

_NUMBERS = (
    0,
    1,
    2,
    127,
    128,
    255,
    256,
    32767,
    32768,
    65535,
    65536,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**63 - 1,
    2**63,
    2**64 - 1,
)
_TEXTS = (
    b"null", b"true", b"-1", b"1e999", b"NaN", b"[]", b"{}", b'""', b"99999999999999999999", b"0.5", b"\x1b[2J", b"\n", b"\0",
    "\u202e".encode(), b"../../x", b"/etc/passwd", b"a" * 3000, b"9" * 5000, b"\xff\xfe", b"\xed\xa0\x80", b"'", b"]", b"}", b",",
)  # fmt: skip


def mutated(content: bytes, seed: int, others: Sequence[bytes] = ()) -> bytes:
    """The content after one to four changes; `others`: files to take parts of."""
    chance = random.Random(seed)
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 2, 4))):
        change = chance.choice(_CHANGES)
        changed = bytearray(change(changed, chance, others)[:LARGEST])
    return bytes(changed)


def _at(content: bytearray, chance: random.Random) -> int:
    """A place: as often at the beginning or the end, where headers are, as anywhere."""
    where = chance.random()
    if where < 0.4:
        return chance.randrange(min(len(content), 96) + 1)
    if where < 0.6:
        return max(0, len(content) - chance.randrange(96))
    return chance.randrange(len(content) + 1)


def _span(content: bytearray, chance: random.Random) -> tuple[int, int]:
    start = _at(content, chance)
    return start, min(len(content), start + int(2 ** chance.uniform(0, 12)))


def _flip(content: bytearray, chance: random.Random, _: Sequence[bytes]) -> bytearray:
    for _each in range(chance.choice((1, 1, 4, 32))):
        place = min(_at(content, chance), len(content) - 1)
        if place >= 0:
            content[place] ^= 1 << chance.randrange(8)
    return content


def _byte(content: bytearray, chance: random.Random, _: Sequence[bytes]) -> bytearray:
    place = min(_at(content, chance), len(content) - 1)
    if place >= 0:
        content[place] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    return content


def _number(content: bytearray, chance: random.Random, _: Sequence[bytes]) -> bytearray:
    layout = chance.choice(("<H", ">H", "<I", ">I", "<Q", ">Q"))
    size = struct.calcsize(layout)
    place = _at(content, chance)
    content[place : place + size] = struct.pack(layout, chance.choice(_NUMBERS) % (1 << 8 * size))
    return content


def _digits(content: bytearray, chance: random.Random, _: Sequence[bytes]) -> bytearray:
    """Another number where one is written in digits."""
    places = [place for place, byte in enumerate(content[:20000]) if 48 <= byte < 58]
    if places:
        start = end = chance.choice(places)
        while end < len(content) and 48 <= content[end] < 58:
            end += 1
        new = chance.choice((*_NUMBERS, -1, 10**18, 10**30, chance.randrange(70000)))
        content[start:end] = str(new).encode()
    return content


def _text(content: bytearray, chance: random.Random, _: Sequence[bytes]) -> bytearray:
    place = _at(content, chance)
    content[place : place + chance.choice((0, 0, 1, 4))] = chance.choice(_TEXTS)
    return content


def _value(content: bytearray, chance: random.Random, _: Sequence[bytes]) -> bytearray:
    """Another value behind a colon, an equals sign or a comma."""
    places = [place for place, byte in enumerate(content[:20000]) if byte in b":=,"]
    if places:
        start = chance.choice(places) + 1
        end = next((place for place in range(start, len(content)) if content[place] in b",}]\n"), len(content))
        content[start:end] = chance.choice(_TEXTS)
    return content


def _cut(content: bytearray, chance: random.Random, _: Sequence[bytes]) -> bytearray:
    return content[: _at(content, chance)]


def _lose(content: bytearray, chance: random.Random, _: Sequence[bytes]) -> bytearray:
    start, end = _span(content, chance)
    del content[start:end]
    return content


def _repeat(content: bytearray, chance: random.Random, _: Sequence[bytes]) -> bytearray:
    start, end = _span(content, chance)
    content[start:start] = content[start:end] * chance.choice((1, 1, 2, 50))
    return content


def _move(content: bytearray, chance: random.Random, _: Sequence[bytes]) -> bytearray:
    start, end = _span(content, chance)
    part = content[start:end]
    del content[start:end]
    place = _at(content, chance)
    content[place:place] = part
    return content


def _splice(content: bytearray, chance: random.Random, others: Sequence[bytes]) -> bytearray:
    if not others:
        return content
    other = bytearray(chance.choice(others))
    start, end = _span(other, chance)
    place = _at(content, chance)
    content[place : place + chance.choice((0, end - start))] = other[start:end]
    return content


def _nest(content: bytearray, chance: random.Random, _: Sequence[bytes]) -> bytearray:
    depth = chance.choice((3, 70, 900, 100_000))
    place = _at(content, chance)
    opening, closing = chance.choice(((b"[", b"]"), (b'{"a":', b"}"), (b"(", b"t"), (b"[", b"")))
    content[place:place] = opening * depth + b"1" + closing * depth
    return content


def _swap(content: bytearray, chance: random.Random, others: Sequence[bytes]) -> bytearray:
    """Another file, or nothing at all, or noise."""
    return bytearray(chance.choice((b"", b"\0" * 64, chance.randbytes(chance.randrange(1, 300)), *others)))


Change = Callable[[bytearray, random.Random, Sequence[bytes]], bytearray]
_CHANGES: tuple[Change, ...] = (
    _flip, _flip, _flip, _byte, _byte, _number, _number, _digits, _text, _value, _cut, _lose, _repeat, _move, _splice, _nest, _swap,
)  # fmt: skip
