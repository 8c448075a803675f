"""What the groups of options have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _split(given: object) -> object:
    """One text is names between commas, as people write them in a file; a list may hold such texts too."""
    given = [given] if isinstance(given, str) else given
    if not (isinstance(given, list | tuple) and all(isinstance(name, str) for name in given)):
        return given
    return tuple(part.strip() for name in given for part in name.split(",") if part.strip())


Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
Names = Annotated[tuple[str, ...], BeforeValidator(_split)]


class Group(BaseModel):
    """Some options of one concern; the docstrings of the fields are the help texts of ``zoo train NAME --help``."""

    # A group alone validates nothing in a run: its validator is built when first asked for, which spares the import time.
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        allow_inf_nan=False,
        validate_default=True,
        defer_build=True,
    )
