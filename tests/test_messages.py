"""What tests hold messages to: a message without one of its parts is noticed, however it is worded."""

from __future__ import annotations

import re

import pytest
from messages import assert_says, saying

MESSAGE = "--batch-size 256 is larger than the data (20 images);\nchoose at most 20"


@pytest.mark.parametrize(
    "parts", [["--batch-size 256"], ["at most 20", "(20 images)", "--batch-size 256"], ["; ", "20"]]
)
def test_parts_are_found_in_whatever_order(parts):
    message = MESSAGE.replace(";\n", "; ")
    assert_says(message, *parts)
    assert re.search(saying(*parts), message)


@pytest.mark.parametrize(
    "parts", [["--batch-size 25"], ["at most 20", "--order"], ["at most 2"], ["mages"], ["(2 images)"]]
)
def test_a_part_that_is_missing_or_only_a_piece_of_a_word_is_noticed(parts):
    with pytest.raises(AssertionError):
        assert_says(MESSAGE, *parts)
    assert not re.search(saying(*parts), MESSAGE)


def test_lines_are_looked_through_together():
    assert_says(MESSAGE, "20 images", "at most 20")
    assert re.search(saying("at most 20", "20 images"), MESSAGE)


@pytest.mark.parametrize("part", ["", " "])
def test_an_empty_part_is_a_mistake_of_the_test(part):
    with pytest.raises(ValueError, match="empty"):
        saying(part)
