"""Messages for people, held to what they must tell (the flag, the value given, the remedy) and not to how they are worded."""

from __future__ import annotations

import re


def saying(*parts: str) -> str:
    """A pattern for `pytest.raises(..., match=...)`: a message with all of `parts`, as they stand, in whatever order.

    A part that begins or ends with a letter or a digit is a whole word there: "at most 2" is not found in "at most 20".
    """
    return "(?s)" + "".join(rf"(?=.*{_whole(part)})" for part in parts)


def assert_says(message: str, *parts: str) -> None:
    """The message has all of `parts`; see `saying`."""
    missing = [part for part in parts if re.search(_whole(part), message) is None]
    assert missing == [], message


def _whole(part: str) -> str:
    if not part.strip():
        raise ValueError("an empty part is in every message")
    before, after = (r"(?<!\w)" if part[0].isalnum() else ""), (r"(?!\w)" if part[-1].isalnum() else "")
    return before + re.escape(part) + after
