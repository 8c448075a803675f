"""The language of latent arithmetic."""

from __future__ import annotations

import contextlib
import random

import pytest
from messages import assert_says

from zoo.errors import OptionError
from zoo.generate.latent.expression import DEEPEST, ExpressionError, evaluate, parse_expression
from zoo.generate.latent.numbers import LARGEST


def value(text: str) -> float:
    """The expression's value where the latent of seed s is the number s."""
    return parse_expression(text).value(float)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("7", 7),
        ("mean(3, 17, 22)", 14),
        ("mean(3,17,22) - mean(5,9) + mean(2,8)", 14 - 7 + 5),
        ("9 - 3 - 2", 4),
        ("9 - (3 - 2)", 8),
        ("-3 + 5", 2),
        ("--3", 3),
        ("3 - -2", 5),
        ("0.5 * 7", 3.5),
        (".5*7", 3.5),
        ("2 * 7 + 1", 15),
        ("1 + 2 * 7", 15),
        ("-2 * 7", -14),
        ("2 * -7", -14),
        ("2 * 3 * 7", 42),
        ("2 * (7 - 3)", 8),
        ("2 * mean(1, 2)", 3),
        ("mean(2 * 3, -(4 - 8))", 5),
        ("mean(7)", 7),
        ("((7))", 7),
        ("3+4", 7),
        ("10−4", 6),
        ("2×4", 8),
        (f"{LARGEST}", LARGEST),
    ],
)
def test_what_expressions_mean(text, result):
    assert value(text) == pytest.approx(result)


def test_a_number_before_a_star_is_a_factor_and_every_other_one_is_a_seed():
    assert parse_expression("2 * 7").seeds == [7]
    assert parse_expression("7 * 2").seeds == [2]
    assert parse_expression("7 + 2").seeds == [7, 2]


def test_the_terms_keep_their_signs_their_seeds_and_how_they_were_written():
    terms = parse_expression(" -mean(3,17, 3) + 0.5 * (8 - 9) - 2 ").terms
    assert [(term.negative, term.text, term.seeds) for term in terms] == [
        (True, "mean(3,17, 3)", [3, 17]),
        (False, "0.5 * (8 - 9)", [8, 9]),
        (True, "2", [2]),
    ]
    assert evaluate(terms[1].node, float) == -0.5
    assert parse_expression("3 + mean(3, 4)").seeds == [3, 4]


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("", 0, "the expression is empty"),
        ("   ", 0, "the expression is empty"),
        ("3 +", 3, "ends too early"),
        ("3 + + 4", 4, ["'+' does not fit", "expected a seed number"]),
        ("3 4", 2, ["'4' does not fit", "expected '+' or '-'"]),
        ("mean(3 4)", 7, ["'4' does not fit", "expected '+', '-' or ')'"]),
        ("1e30 * 3", 1, ["without an exponent", "1000 for 1e3", "0.001 for 1e-3"]),
        ("mean(3, 2.5e-1 * 7)", 11, "numbers are written without an exponent"),
        ("3 e30", 2, "'e30' does not fit here"),
        ("3each", 1, "'each' does not fit here"),
        ("mean 3", 5, "mean is followed by an opening bracket"),
        ("mean()", 5, "')' does not fit here"),
        ("mean(3,)", 7, "')' does not fit here"),
        ("mean(3, 4", 4, "this bracket is never closed"),
        ("1 + (2 - 3", 4, "this bracket is never closed"),
        ("3)", 1, "this bracket closes none"),
        ("3, 4", 1, "a comma stands only within mean"),
        ("median(3)", 0, "unknown word 'median'"),
        ("0.5", 0, ["0.5 is no seed number", "before a *"]),
        ("7 * 0.5", 4, "0.5 is no seed number"),
        ("(2) * 7", 4, ["a factor", "stands first"]),
        ("7 / 2", 2, "there is no division"),
        ("2 *", 3, "ends too early"),
        ("#7", 0, "'#' does not fit here"),
        ("1 + $", 4, "'$' does not fit here"),
        ("3 + 4294967296", 4, f"seed numbers go from 0 to {LARGEST}"),
        ("9" * 6000, 0, "seed numbers go from 0"),
        ("9" * 400 + " * 3", 0, "this factor is too large"),
        ("(" * (DEEPEST + 1) + "3", DEEPEST, f"nested more than {DEEPEST} deep"),
        ("2 * " * 100000 + "3", 4 * DEEPEST, f"nested more than {DEEPEST} deep"),
        ("__import__('os')", 0, "unknown word '__import__'"),
    ],
)
def test_what_does_not_parse_is_pointed_at(text, position, message):
    with pytest.raises(ExpressionError) as wrong:
        parse_expression(text)
    assert wrong.value.position == position
    first, shown, mark = str(wrong.value).splitlines()
    assert_says(first, *([message] if isinstance(message, str) else message))
    assert mark.strip() == "^"
    if text.strip() and position < len(text):
        assert shown[len(mark) - 1] == text[position]
    assert len(shown) <= 80
    assert isinstance(wrong.value, OptionError)


def test_the_mark_stands_under_its_character_after_unprintable_ones():
    with pytest.raises(ExpressionError) as wrong:
        parse_expression("1 +\t\n\u3000 $")
    assert str(wrong.value).splitlines()[1:] == ["  1 +    $", "         ^"]


def test_a_chain_of_any_length_parses():
    assert value("+".join(["1"] * 5000)) == 5000
    assert value("-" * 5000 + "1") == 1
    assert value(f"mean({','.join(['3'] * 5000)})") == pytest.approx(3)


def written(depth: int, random_: random.Random) -> tuple[str, float]:
    """An expression with brackets round everything, and its value as Python computes it."""
    kind = random_.choice(["seed", "seed", "mean", "scaled", "sum", "minus"]) if depth else "seed"
    if kind == "seed":
        number = random_.randrange(50)
        return str(number), float(number)
    if kind == "scaled":
        factor, (text, result) = random_.choice([0.5, 2, 1.25]), written(depth - 1, random_)
        return f"{factor} * ({text})", factor * result
    if kind == "minus":
        text, result = written(depth - 1, random_)
        return f"-({text})", -result
    parts = [written(depth - 1, random_) for _ in range(random_.randint(1, 4))]
    if kind == "mean":
        return f"mean({', '.join(text for text, _ in parts)})", sum(result for _, result in parts) / len(parts)
    return " + ".join(f"({text})" for text, _ in parts), sum(result for _, result in parts)


def test_random_expressions_have_the_value_that_they_were_made_with():
    random_ = random.Random(0)
    for _ in range(300):
        text, result = written(4, random_)
        assert value(text) == pytest.approx(result, abs=1e-9), text


def test_random_text_parses_or_is_refused_and_nothing_else():
    random_ = random.Random(1)
    refused = 0
    for _ in range(3000):
        text = "".join(random_.choices("0123456789.+-*(), meanx\n", k=random_.randint(0, 12)))
        with contextlib.suppress(ExpressionError):
            refused += 1
            assert parse_expression(text).terms
            refused -= 1
    assert 2000 < refused < 3000
