"""Whether a person can read what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.testing.messages import some
from zoo.testing.outcome import CheckFailed

if TYPE_CHECKING:
    from zoo.testing.subject import Subject

SHORTEST, LONGEST = 10, 120


def documented(subject: Subject) -> None:
    """Every option has its sentence, the docstring a first line for zoo list, and a note on a preset says something."""
    from zoo.options.resolve import flag

    architecture = type(subject.architecture)
    title = architecture.__name__
    subject.given = f"the class {title}"
    if not (architecture.__doc__ or "").strip():
        raise CheckFailed(f"{title} has no docstring", "give it one: its first line is what zoo list shows")
    summary = architecture.summary()
    if not SHORTEST <= len(summary) <= LONGEST:
        raise CheckFailed(
            f"the first line of its docstring has {len(summary)} characters: {summary!r}",
            f"write {SHORTEST} to {LONGEST}, which is what fits into a line of zoo list, and an empty line before the rest",
        )
    fields = architecture.Options.model_fields
    if bare := [flag(name) for name, field in fields.items() if not (field.description or "").strip()]:
        raise CheckFailed(
            f"options without a sentence: {some(bare)}",
            f"write a docstring below each field of {title}.Options: zoo train {subject.name} --help shows it",
        )
    for preset, note in architecture.preset_notes.items():
        if not isinstance(note, str) or not note.strip():
            raise CheckFailed(
                f"the note on preset {preset!r} is {note!r}", "write a sentence: which paper or document it follows"
            )
