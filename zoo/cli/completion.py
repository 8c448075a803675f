"""``zoo completion SHELL``. What it prints asks ``zoo completion --words …`` at every tab (`zoo.cli.completing`)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path

from zoo.errors import OptionError, unknown

SHELLS = {
    "bash": "zoo completion bash > ~/.local/share/bash-completion/completions/zoo",
    "zsh": "zoo completion zsh > ~/.zfunc/_zoo",
    "fish": "zoo completion fish > ~/.config/fish/completions/zoo.fish",
}
"""Name to what puts its script where it is found. The scripts say more."""

WORDS = "--words"


def run(arguments: Sequence[str]) -> int:
    """Print the script; returns the exit code."""
    if arguments and arguments[0] == WORDS:
        with suppress(BaseException):  # whatever it is, a person at a prompt has not asked for it
            _answer(*arguments[1:])
        return 0
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_usage())
        return 0
    shell, *more = arguments
    if shell not in SHELLS:
        raise OptionError(unknown("shell", shell, SHELLS, "zoo completion --help"))
    if more:
        raise OptionError(f"zoo completion takes the name of a shell and nothing else; given {more[0]!r} too")
    print((Path(__file__).parent / "completing" / f"zoo.{shell}").read_text("utf-8"), end="")
    return 0


def _usage() -> str:
    rows = "\n".join(f"  {name:<5} {line}" for name, line in SHELLS.items())
    return (
        "usage: zoo completion SHELL\n\nPrint the script with which a shell completes commands, architectures, presets, "
        f"options, their values and runs.\nOnce, for each shell:\n\n{rows}\n\n"
        'The script begins with another way to keep it. In bash and zsh, eval "$(zoo completion SHELL)" is enough to try it.'
    )


def _answer(shell: str, *words: str) -> None:
    """Print what fits at the end of a line: bash's COMP_WORDBREAKS and line, of another shell the words, the last one begun."""
    from zoo.cli.completing.complete import complete
    from zoo.cli.completing.line import split

    if shell != "bash":
        with _silence():
            answer = complete(words[:-1], words[-1])
        text = (
            answer.with_part(words[-1]) if shell == "fish" else answer
        ).lines()  # which looks into the words on each, too
    else:
        breaks, line = words
        found = split(line, breaks)
        with _silence():
            answer = complete(found.words[1:], found.current)
        rest = found.current[found.cut :]
        text = "\n".join([answer.kind, f"={rest}", *found.replies(answer)]) + "\n"
    sys.stdout.flush()
    sys.stdout.buffer.write(os.fsencode(text))
    sys.stdout.buffer.flush()


@contextmanager
def _silence() -> Iterator[None]:
    """Nothing that a plugin or a library of another language prints is taken for an answer, or seen."""
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        kept = [(number, os.dup(number)) for number in (1, 2)]
        for number, _ in kept:
            os.dup2(nowhere.fileno(), number)
        try:
            yield
        finally:
            for number, copy in kept:
                os.dup2(copy, number)
                os.close(copy)
