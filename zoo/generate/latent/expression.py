"""Latent arithmetic as people write it: ``mean(3, 17, 21) - mean(5, 9) + 0.5 * 8``. Importing this imports no torch.

    expression = term { ("+" | "-") term }
    term       = "-" term | factor "*" term | item
    item       = seed | "mean" "(" expression { "," expression } ")" | "(" expression ")"

A number is a seed, and stands for that seed's latent; the one exception is a number with a ``*`` behind it, which is a
factor. So ``2 * 7`` is twice the latent of seed 7, and ``7 * 2`` is seven times that of seed 2.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from zoo.errors import OptionError
from zoo.generate.latent.numbers import LARGEST

DEEPEST = 50
"""How deep brackets and factors may be nested."""

_TOKEN = re.compile(r"\s*(?:(?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)|(?P<word>[^\W\d]\w*)|(?P<sign>\S))")
_EXPECTED = "a seed number, mean(…) or an opening bracket"


class Vector(Protocol):
    """What expressions are computed on: tensors, arrays, or plain numbers."""

    def __add__(self: V, other: V, /) -> V: ...
    def __mul__(self: V, factor: float, /) -> V: ...


V = TypeVar("V", bound=Vector)


class ExpressionError(OptionError):
    """An expression that does not parse: what is wrong, and below it the text with a mark under the place."""

    def __init__(self, message: str, text: str, position: int) -> None:
        start = max(0, position - 50)
        shown = "".join(letter if letter.isprintable() else " " for letter in text[start : start + 72])
        super().__init__(f"{message}\n  {shown}\n  {' ' * (position - start)}^")
        self.position = position
        """Where in the text, counted from 0."""


@dataclass(frozen=True)
class Seed:
    """The latent of a seed number."""

    number: int


@dataclass(frozen=True)
class Mean:
    """The mean of several latents."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Scaled:
    """A latent times a factor."""

    factor: float
    item: Node


@dataclass(frozen=True)
class Sum:
    """Latents added up."""

    items: tuple[Node, ...]


Node = Seed | Mean | Scaled | Sum


@dataclass(frozen=True)
class Term:
    """A term of the whole expression: added, or subtracted where `negative`; `text` is how it was written."""

    node: Node
    negative: bool
    text: str

    @property
    def seeds(self) -> list[int]:
        """The seed numbers in it, each once, in the order in which they come."""
        return list(dict.fromkeys(_seeds(self.node)))


@dataclass(frozen=True)
class Expression:
    """What was parsed: its terms, from left to right."""

    text: str
    terms: tuple[Term, ...]

    @property
    def seeds(self) -> list[int]:
        """The seed numbers in it, each once, in the order in which they come."""
        return list(dict.fromkeys(number for term in self.terms for number in term.seeds))

    def value(self, latent: Callable[[int], V]) -> V:
        """The expression's value, where `latent` gives the latent of a seed number."""
        return _total([_signed(evaluate(term.node, latent), term.negative) for term in self.terms])


def parse_expression(text: str) -> Expression:
    """Parse an expression. Raises ExpressionError, which points at the character that does not fit, OptionError for no text."""
    if not isinstance(text, str):
        raise OptionError(f"expression {text!r}: give text, as in 'mean(3, 17) - 5'")
    return Expression(text.strip(), tuple(_Parser(text).expression()))


def evaluate(node: Node, latent: Callable[[int], V]) -> V:
    """The value of a node, where `latent` gives the latent of a seed number."""
    if isinstance(node, Seed):
        return latent(node.number)
    if isinstance(node, Scaled):
        return evaluate(node.item, latent) * node.factor
    total = _total([evaluate(item, latent) for item in node.items])
    return total * (1 / len(node.items)) if isinstance(node, Mean) else total


def _total(values: Sequence[V]) -> V:
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total


def _signed(value: V, negative: bool) -> V:
    return value * -1.0 if negative else value


def _seeds(node: Node) -> Iterator[int]:
    if isinstance(node, Seed):
        yield node.number
    else:
        for item in (node.item,) if isinstance(node, Scaled) else node.items:
            yield from _seeds(item)


@dataclass(frozen=True)
class _Token:
    kind: str  # number, word, sign or end
    text: str
    start: int
    end: int


class _Parser:
    """Recursive descent: a method for each rule of the grammar, one token of lookahead and one more for the ``*``."""

    def __init__(self, text: str) -> None:
        self.text = text
        typed = text.replace("−", "-").replace("×", "*")  # as copied from a page or a picture
        self.tokens = []
        for found in _TOKEN.finditer(typed):
            kind = str(found.lastgroup)
            self.tokens.append(_Token(kind, found[kind], found.start(kind), found.end()))
        end = len(text.rstrip())
        self.tokens.append(_Token("end", "", end, end))
        self.place = 0
        self.depth = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.place]

    def error(self, message: str, token: _Token | None = None) -> ExpressionError:
        return ExpressionError(message, self.text, (token or self.token).start)

    def take(self) -> _Token:
        """This token; the next one is looked at from now on."""
        token = self.token
        self.place += token.kind != "end"
        return token

    def at(self, *signs: str) -> bool:
        return self.token.kind == "sign" and self.token.text in signs

    def expression(self) -> list[Term]:
        """The whole text."""
        if self.token.kind == "end":
            raise self.error(f"the expression is empty; it should hold {_EXPECTED}")
        terms = self.sum()
        if self.token.kind != "end":
            raise self.unexpected()
        return terms

    def sum(self) -> list[Term]:
        terms = [self.signed(negative=False)]
        while self.at("+", "-"):
            terms.append(self.signed(negative=self.take().text == "-"))
        return terms

    def signed(self, negative: bool) -> Term:
        """A term, its leading minus signs taken into its sign."""
        while self.at("-"):
            self.take()
            negative = not negative
        start = self.token.start
        node = self.term()
        return Term(node, negative, self.text[start : self.tokens[self.place - 1].end])

    def term(self) -> Node:
        with_factor = self.token.kind == "number" and self.tokens[self.place + 1].text == "*"
        if not (with_factor or self.at("-")):
            return self.item()
        token = self.take()
        factor = -1.0
        if with_factor:
            factor = float(token.text)
            if not math.isfinite(factor):
                raise self.error("this factor is too large", token)
            self.take()
        self.deeper(token)
        scaled = Scaled(factor, self.term())
        self.depth -= 1
        return scaled

    def item(self) -> Node:
        token = self.take()
        if token.kind == "number":
            return self.seed(token)
        if token.kind == "word":
            if token.text != "mean":
                raise self.error(
                    f"unknown word {token.text!r}; the one that is known is mean, as in mean(3, 17)", token
                )
            if not self.at("("):
                raise self.error("mean is followed by an opening bracket, as in mean(3, 17)")
            opening = self.take()
            self.deeper(opening)
            items = [_node(self.sum())]
            while self.at(","):
                self.take()
                items.append(_node(self.sum()))
            self.close(opening)
            return Mean(tuple(items))
        if token.kind == "sign" and token.text == "(":
            self.deeper(token)
            node = _node(self.sum())
            self.close(token)
            return node
        self.place -= token.kind != "end"
        if token.kind == "end":
            raise self.error(f"the expression ends too early; {_EXPECTED} is missing here")
        raise self.error(f"{token.text!r} does not fit here; expected {_EXPECTED}")

    def seed(self, token: _Token) -> Seed:
        if token.end == self.token.start and re.fullmatch("[eE][0-9]*", self.token.text):
            raise self.error("numbers are written without an exponent: 1000 for 1e3, 0.001 for 1e-3")
        if "." in token.text:
            raise self.error(f"{token.text} is no seed number; a factor stands before a *, as in 0.5 * 7", token)
        if len(token.text) > 20 or int(token.text) > LARGEST:
            raise self.error(f"seed numbers go from 0 to {LARGEST}", token)
        return Seed(int(token.text))

    def deeper(self, token: _Token) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.error(f"nested more than {DEEPEST} deep", token)

    def close(self, opening: _Token) -> None:
        if self.token.kind == "end":
            raise self.error("this bracket is never closed", opening)
        if not self.at(")"):
            raise self.unexpected()
        self.take()
        self.depth -= 1

    def unexpected(self) -> ExpressionError:
        """What is wrong with a token behind a whole item."""
        if self.at(")"):
            return self.error("this bracket closes none")
        if self.at("*"):
            return self.error("a factor is a plain number and stands first, as in 0.5 * mean(3, 17)")
        if self.at("/"):
            return self.error("there is no division; write 0.5 * mean(3, 17) for half of it")
        if self.at(","):
            return self.error("a comma stands only within mean(…), as in mean(3, 17)")
        signs = "'+', '-' or ')'" if self.depth else "'+' or '-'"
        return self.error(f"{self.token.text!r} does not fit here; expected {signs}")


def _node(terms: list[Term]) -> Node:
    """What stands in brackets, as one node."""
    nodes = [Scaled(-1.0, term.node) if term.negative else term.node for term in terms]
    return nodes[0] if len(nodes) == 1 else Sum(tuple(nodes))
