"""docs/write-a-plugin.md does what it says, from the first command to the last."""

from __future__ import annotations

from pathlib import Path

import pytest
from outside import environment
from walkthrough import blocks, changed, commands, unseen, walk

PAGE = Path(__file__).parents[2] / "docs/write-a-plugin.md"


@pytest.mark.slow
def test_every_step_of_the_tutorial_does_what_the_page_says(tmp_path, shared_cache):
    walk(PAGE.read_text("utf-8"), tmp_path, environment(tmp_path / "environment", shared_cache))


# ---- the walkthrough itself: it must notice


def page(*steps: str) -> str:
    return "\n\n".join(["# A page", *steps, ""])


def console(text: str) -> str:
    return f"```console\n{text}\n```"


def walked(tmp_path, *steps: str) -> None:
    walk(page(*steps), tmp_path, {"PATH": "/usr/bin:/bin"})


def test_files_are_written_and_changed_and_commands_see_them(tmp_path):
    walked(
        tmp_path,
        '```python title="place/one.py"\na = 1\nb = 2\n\nc = 3\n```',
        '```diff title="place/one.py"\n-a = 1\n+a = 4\n b = 2\n@@\n c = 3\n+d = 5\n```',
        console("$ cd place\n$ cat one.py\na = 4\n…\nc  =  3\nd = …"),
    )
    assert (tmp_path / "place/one.py").read_text() == "a = 4\nb = 2\n\nc = 3\nd = 5\n"


@pytest.mark.parametrize(
    ("text", "noticed"),
    [
        ("$ echo one\ntwo", "line 3: echo one\ndoes not print, in this place:\ntwo"),
        ("$ printf 'one\\ntwo\\n'\ntwo\none", "in this place:\none"),
        ("$ false", "ended with 1"),
        ("$ echo zoo: no\nzoo: no", "ended with 0"),
        ("$ cd nowhere", "there is no"),
    ],
)
def test_a_command_that_does_not_do_as_shown_is_noticed(tmp_path, text, noticed):
    with pytest.raises(AssertionError, match="line 3") as caught:
        walked(tmp_path, console(text))
    assert noticed in str(caught.value)


def test_a_refusal_is_to_be_one(tmp_path):
    walked(tmp_path, console("$ echo 'zoo: no' >&2; exit 2\nzoo: no"))


@pytest.mark.parametrize("text", ["b = 1\n", "a = 1\na = 1\n", " a = 1\n"])
def test_a_change_that_has_no_place_or_two_is_noticed(text):
    with pytest.raises(AssertionError, match="this is to be in the file once"):
        changed(text, "-a = 1\n+a = 2", "line 1")


def test_blocks_that_are_no_steps_are_told_apart_or_refused():
    assert blocks(page("```text\nfor the eye\n```")) == []
    with pytest.raises(AssertionError, match="cannot be read"):
        blocks(page("```python titel=x\na = 1\n```"))


def test_a_command_is_shown_without_the_remark_behind_it():
    assert list(commands("$ ls   # look\nout\n$ pwd")) == [("ls", "out\n"), ("pwd", "")]
    assert unseen("…\nb …", "a\nb c\n") is None
