"""The pages in docs/: no loose end, no link into nothing, every preset told of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from zoo.plugins.registry import registry

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted(ROOT.glob("examples/*/README.md")),
]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_is_whole(page):
    text = page.read_text("utf-8")
    assert not re.findall(r"@[A-Z0-9]+@|TODO|FIXME", text)
    targets = [target for target in LINK.findall(text) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize(
    "name", ["cgan", "cr3gan", "dcgan", "fastgan", "icgan", "lsgan", "r3gan", "sngan", "sngan-projection", "vanilla"]
)
def test_every_preset_has_a_page(name):
    pages = "".join(page.read_text("utf-8") for page in (ROOT / "docs").rglob("*.md"))
    assert [preset for preset in registry().architecture(name).presets if f"`{preset}`" not in pages] == []


def test_the_readme_shows_the_file_of_the_example():
    text = (ROOT / "README.md").read_text("utf-8")
    (shown,) = re.findall(r"```python\n(from typing import Annotated\n.*?)```", text, re.DOTALL)
    assert shown == (ROOT / "examples/zoo-hinge/zoo_hinge.py").read_text("utf-8")
