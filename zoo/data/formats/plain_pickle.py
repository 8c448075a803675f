"""Pickle files of plain values, read by a machine of our own: nothing is imported, called or allocated by what a file claims.

The machine of Python's `pickle` makes room for as many remembered values as a file says (nine bytes ask for gigabytes), and looks
up keys that are tuples of tuples without end. This one knows numbers, texts, bytes, lists, tuples and dictionaries, and objects by
the names that whoever calls it understands. The language is described in Python's `pickletools`.
"""

from __future__ import annotations

import codecs
import io
import struct
from collections.abc import Callable, Mapping
from typing import Any

_MOST = 4_000_000
"""Values of a file; CIFAR's largest has 200,000."""

_LONGEST_LINE = 1 << 29
"""Bytes of a text of the oldest pickles, which write a whole file into one line."""

_LONGEST_NUMBER = 1000
"""Bytes of a whole number."""

_MARK = object()


class RefusedError(Exception):
    """A pickle asks for something that is not understood; the text says for what."""


Understood = Mapping[tuple[str, str], Callable[..., Any]]
"""What stands for the functions and classes of a file, by module and name."""


def read_pickle(content: bytes, understood: Understood) -> Any:
    """The value in a pickle file. Raises RefusedError for a name that is not in `understood`, other errors for damage."""
    return _Machine(content, understood).run()


class _Machine:
    """A stack of values, and those that the file wants to come back to."""

    def __init__(self, content: bytes, understood: Understood) -> None:
        self._file = io.BytesIO(content)
        self._size = len(content)
        self._understood = understood
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        for _ in range(_MOST):
            code = self._bytes(1)[0]
            if code == ord("."):
                return self._pop()
            step = _STEPS.get(code)
            if step is None:
                raise ValueError(f"the instruction {code:#04x}, which no file of plain values has")
            step(self)
        raise ValueError(f"more than {_MOST:,} values")

    # ---- reading

    def _bytes(self, count: int) -> bytes:
        found = self._file.read(min(count, self._size))
        if len(found) != count:
            raise EOFError("it is cut off")
        return found

    def _number(self, layout: str) -> int:
        (value,) = struct.unpack(layout, self._bytes(struct.calcsize(layout)))
        return int(value)

    def _line(self) -> bytes:
        line = self._file.readline(_LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise EOFError("it is cut off")
        return line[:-1]

    # ---- the stack

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _pop(self) -> Any:
        if not self._stack or self._stack[-1] is _MARK:
            raise ValueError("a value is missing")
        return self._stack.pop()

    def _since_mark(self) -> list[Any]:
        for place in range(len(self._stack) - 1, -1, -1):
            if self._stack[place] is _MARK:
                values = self._stack[place + 1 :]
                del self._stack[place:]
                return values
        raise ValueError("a mark is missing")

    def _top(self, kind: type) -> Any:
        if not self._stack or not isinstance(self._stack[-1], kind):
            raise ValueError(f"a {kind.__name__} is missing")
        return self._stack[-1]

    # ---- what the instructions do

    def _remember(self, place: int) -> None:
        if not self._stack or self._stack[-1] is _MARK:
            raise ValueError("a value is missing")
        self._memo[place] = self._stack[-1]

    def _recall(self, place: int) -> None:
        self._push(self._memo[place])

    def _long(self, size: int) -> None:
        if size > _LONGEST_NUMBER:
            raise ValueError(f"a number of {size:,} bytes")
        self._push(int.from_bytes(self._bytes(size), "little", signed=True))

    def _decimal(self) -> None:
        line = self._line()
        if len(line) > _LONGEST_NUMBER:
            raise ValueError(f"a number of {len(line):,} digits")
        self._push(line == b"01" if line in (b"00", b"01") else int(line.rstrip(b"L")))

    def _quoted(self) -> None:
        line = self._line()
        if len(line) < 2 or line[:1] not in (b"'", b'"') or line[-1:] != line[:1]:
            raise ValueError("a text without quotes")
        self._push(codecs.escape_decode(line[1:-1])[0])

    def _tuple(self, count: int) -> None:
        values = [self._pop() for _ in range(count)][::-1]
        self._push(tuple(values))

    def _append(self, values: list[Any]) -> None:
        self._top(list).extend(values)

    def _set(self, values: list[Any]) -> None:
        if len(values) % 2:
            raise ValueError("a key without a value")
        found = self._top(dict)
        for key, value in zip(values[::2], values[1::2], strict=True):
            if not isinstance(key, str | bytes | int):  # a tuple of tuples takes for ever to look up
                raise ValueError(f"a key that is {type(key).__name__}")
            found[key] = value

    def _pairs(self) -> None:
        values = self._since_mark()
        self._push({})
        self._set(values)

    def _global(self, module: str, name: str) -> None:
        try:
            self._push(self._understood[module, name])
        except KeyError:
            raise RefusedError(f"{module}.{name}") from None

    def _stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise ValueError("a name that is no text")
        self._global(module, name)

    def _call(self) -> None:
        arguments, function = self._pop(), self._pop()
        if not isinstance(arguments, tuple) or function not in self._understood.values():
            raise ValueError("a call of what is no function")
        self._push(function(*arguments))

    def _build(self) -> None:
        state = self._pop()
        target = self._stack[-1] if self._stack else None
        if type(target) not in self._understood.values():
            raise ValueError("a state for what has none")
        target.__setstate__(state)  # type: ignore[union-attr]

    def _one_less(self) -> None:
        self._pop()

    def _outside(self) -> None:
        raise RefusedError("something outside the file")


Step = Callable[[_Machine], None]

_STEPS: dict[int, Step] = {}


def _on(code: str | bytes, step: Step) -> None:
    _STEPS[ord(code)] = step


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogatepass")


def _add_steps() -> None:
    push, number, take = _Machine._push, _Machine._number, _Machine._bytes
    _on(b"\x80", lambda m: _nothing(m._bytes(1)))
    _on(b"\x95", lambda m: _nothing(m._bytes(8)))  # a frame, whose size says nothing new
    _on("(", lambda m: push(m, _MARK))
    _on("0", _Machine._one_less)
    _on("1", lambda m: _nothing(m._since_mark()))
    _on("2", lambda m: push(m, m._top(object)))
    _on("N", lambda m: push(m, None))
    _on(b"\x88", lambda m: push(m, True))
    _on(b"\x89", lambda m: push(m, False))
    _on("I", _Machine._decimal)
    _on("L", _Machine._decimal)
    _on("F", lambda m: push(m, float(m._line()[:_LONGEST_NUMBER])))
    _on("G", lambda m: push(m, struct.unpack(">d", m._bytes(8))[0]))
    numbers = (("J", "<i"), ("K", "<B"), ("M", "<H"))
    for letter, layout in numbers:
        _on(letter, lambda m, layout=layout: push(m, number(m, layout)))  # type: ignore[misc]
    _on(b"\x8a", lambda m: m._long(number(m, "<B")))
    _on(b"\x8b", lambda m: m._long(number(m, "<I")))
    _on("S", _Machine._quoted)
    _on("V", lambda m: push(m, m._line().decode("raw_unicode_escape")))
    bytes_of: tuple[tuple[str | bytes, str], ...] = (
        ("T", "<I"),
        ("U", "<B"),
        ("B", "<I"),
        ("C", "<B"),
        (b"\x8e", "<Q"),
        (b"\x96", "<Q"),
    )
    for code, layout in bytes_of:
        _on(code, lambda m, layout=layout: push(m, take(m, number(m, layout))))  # type: ignore[misc]
    texts_of: tuple[tuple[str | bytes, str], ...] = (("X", "<I"), (b"\x8c", "<B"), (b"\x8d", "<Q"))
    for code, layout in texts_of:
        _on(code, lambda m, layout=layout: push(m, _text(take(m, number(m, layout)))))  # type: ignore[misc]
    _on("]", lambda m: push(m, []))
    _on("l", lambda m: push(m, m._since_mark()))
    _on("a", lambda m: m._append([m._pop()]))
    _on("e", lambda m: m._append(m._since_mark()))
    _on(")", lambda m: push(m, ()))
    _on("t", lambda m: push(m, tuple(m._since_mark())))
    for count, byte in enumerate((b"\x85", b"\x86", b"\x87"), 1):
        _on(byte, lambda m, count=count: m._tuple(count))  # type: ignore[misc]
    _on("}", lambda m: push(m, {}))
    _on("d", _Machine._pairs)
    _on("s", lambda m: m._set([m._pop(), m._pop()][::-1]))
    _on("u", lambda m: m._set(m._since_mark()))
    _on("p", lambda m: m._remember(int(m._line()[:20])))
    _on("q", lambda m: m._remember(number(m, "<B")))
    _on("r", lambda m: m._remember(number(m, "<I")))
    _on(b"\x94", lambda m: m._remember(len(m._memo)))
    _on("g", lambda m: m._recall(int(m._line()[:20])))
    _on("h", lambda m: m._recall(number(m, "<B")))
    _on("j", lambda m: m._recall(number(m, "<I")))
    _on("c", lambda m: m._global(m._line().decode(), m._line().decode()))
    _on(b"\x93", _Machine._stack_global)
    _on("R", _Machine._call)
    _on("b", _Machine._build)
    for letter in "PQ":
        _on(letter, _Machine._outside)


def _nothing(_: object) -> None:
    """What is read and means nothing here."""


_add_steps()
