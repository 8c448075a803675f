"""A tutorial is walked through as a reader would: its commands are run, what it shows of files is written into them.

A page's fenced blocks are its steps, in order.

- ``console``: lines that begin with ``$`` are run. What is shown below one must be among what it prints, in that order; ``…``
  stands for anything, and blanks count as one. A command must succeed, unless a refusal or a failed check is shown.
- ``diff title="FILE"``: lines of a file that is there, those with ``-`` to go, those with ``+`` to come; ``@@`` between two places.
- ``text`` is for the eye alone. Any other block has a title too, and is the whole of that file.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REFUSED = re.compile(r"^zoo: | fails the check ", re.MULTILINE)
FENCE = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)\n```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: the page's line it begins in, its language, the file it is about, its text."""

    line: int
    language: str
    title: str | None
    text: str


def blocks(page: str) -> list[Block]:
    """The steps of a page."""
    found = [
        Block(page.count("\n", 0, match.start()) + 1, match[1], match[2], match[3]) for match in FENCE.finditer(page)
    ]
    assert len(found) * 2 == page.count("```"), "a block that cannot be read as one"
    return [block for block in found if block.language != "text"]


def walk(page: str, folder: Path, environment: dict[str, str]) -> None:
    """Walk through a page in a folder; raises AssertionError, with the page's line, where it does not do as it says."""
    place = folder
    for block in blocks(page):
        where = f"line {block.line}"
        if block.language == "console":
            for command, shown in commands(block.text):
                place = run(command, shown, place, environment, f"{where}: {command}")
            continue
        assert block.title, f"{where}: which file is this?"
        file = folder / block.title
        if block.language == "diff":
            file.write_text(changed(file.read_text("utf-8"), block.text, where), "utf-8")
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text + "\n", "utf-8")


def run(command: str, shown: str, place: Path, environment: dict[str, str], where: str) -> Path:
    """Run a command in a folder, look at what it prints; returns the folder of the next one."""
    if command.startswith("cd "):
        place = (place / command.removeprefix("cd ").strip()).resolve()
        assert place.is_dir(), f"{where}: there is no {place}"
        return place
    done = subprocess.run(command, shell=True, cwd=place, env=environment, capture_output=True, text=True, timeout=600)
    printed = done.stdout + done.stderr
    refused = bool(REFUSED.search(shown))
    assert (done.returncode != 0) == refused, f"{where}\nended with {done.returncode}:\n{printed}"
    missing = unseen(shown, printed)
    assert missing is None, f"{where}\ndoes not print, in this place:\n{missing}\nbut:\n{printed}"
    return place


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Each command of a console block, and what is shown below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield re.sub(r" {2,}#.*", "", command).strip(), shown


def unseen(shown: str, printed: str) -> str | None:
    """The first line shown that is not printed after those before it; None where all are."""
    lines = iter([" ".join(line.split()) for line in printed.splitlines()])
    for line in filter(None, (" ".join(line.split()) for line in shown.splitlines())):
        pattern = ".*".join(map(re.escape, line.split("…")))
        if not any(re.fullmatch(pattern, each) for each in lines):
            return line
    return None


def changed(text: str, difference: str, where: str) -> str:
    """A text with a difference applied, each of its places found by what it shows."""
    for place in re.split(r"^@@\n", difference, flags=re.MULTILINE):
        lines = place.splitlines()
        assert all(line[:1] in ("", " ", "+", "-") for line in lines), f"{where}: {place}"
        before = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
        after = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-"))
        there = re.compile(f"^{re.escape(before)}", re.MULTILINE)
        found = len(there.findall(text))
        assert found == 1, f"{where}: this is to be in the file once, it is {found} times:\n{before}\nThe file:\n{text}"
        text = there.sub(lambda _, after=after: after, text)
    return text
