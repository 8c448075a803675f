"""What the site adds to the pages: files outside docs/ that they link to, tables made by zoo, links to the reference.

The pages are written for a code host too, so a link to ``../examples/…`` stays as it is: the file it names is taken in.
"""

from __future__ import annotations

import os
import posixpath
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs/site"))
os.environ |= {"COLUMNS": "90", "NO_COLOR": "1"}  # of the help texts

import tables  # noqa: E402

TABLES = {"options": tables.options, "presets": tables.presets, "help": tables.helps, "checks": tables.checks}
TABLE = re.compile(r"^<!-- (\w+):(.*)-->$", re.MULTILINE)
LINK = re.compile(r"(\]\()([^)#\s]+)((?:#[^)]*)?\))")
NAMED = re.compile(r"(?<!!)\[([^\[\]]+)\]\(([^)#:\s]+)\)")
CODE = re.compile(r"<code>(zoo(?:\.\w+)+|[A-Z]\w+Error)</code>(?!</a>)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Take in what the navigation and the pages name outside docs/, and what those files name in turn."""
    waiting = [(file.src_uri, Path(str(file.abs_src_path)).read_text("utf-8")) for file in files.documentation_pages()]
    waiting.append(("index.md", "".join(f"]({name})" for name in _pages(config.nav))))
    while waiting:
        page, text = waiting.pop()
        for _, target, _ in LINK.findall(text):
            place = "" if "://" in target else _from_root(page, target)
            if place.startswith("docs/") or not (ROOT / place).is_file():
                continue  # a link into nothing is told of by mkdocs itself
            if files.get_file_from_path(f"../{place}") is None:
                files.append(_outside(place, config))
                if place.endswith(".md"):
                    waiting.append((f"../{place}", (ROOT / place).read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill in the tables, and write links as they are seen from docs/."""
    here = page.file.src_uri

    def mend(link: re.Match[str]) -> str:
        before, target, after = link.groups()
        place = "" if "://" in target else _from_root(here, target)
        return f"{before}/{posixpath.relpath(place, 'docs')}{after}" if (ROOT / place).is_file() else link[0]

    def name(link: re.Match[str]) -> str:
        """A folder is something to look into on a code host alone."""
        return link[1] if (ROOT / _from_root(here, link[2])).is_dir() else link[0]

    def fill(mark: re.Match[str]) -> str:
        if mark[1] not in TABLES:
            raise PluginError(f"{here}: {mark[0]} is none of {', '.join(TABLES)}")
        return TABLES[mark[1]](*mark[2].split())

    return TABLE.sub(fill, LINK.sub(mend, NAMED.sub(name, markdown)))


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """A name such as zoo.Run or DataError, wherever it is written as code, leads to its entry in the reference if it has one."""

    def link(code: re.Match[str]) -> str:
        name = code[1] if code[1].startswith("zoo.") else f"zoo.errors.{code[1]}"
        return f'<autoref optional identifier="{name}">{code[0]}</autoref>'

    return CODE.sub(link, html)


def _pages(nav: Any) -> Iterator[str]:
    """The files that the navigation names."""
    if isinstance(nav, str):
        yield nav
    for each in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from _pages(each)


def _from_root(page: str, target: str) -> str:
    """Where a link of a page leads, seen from the root of the repository; a folder stands for its README."""
    place = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), target))
    return f"{place}/README.md" if (ROOT / place / "README.md").is_file() else place


def _outside(place: str, config: MkDocsConfig) -> File:
    """A file outside docs/, named as seen from there; in the site it lies under its own path."""
    written = place.removesuffix(".md") + ".html" if place.endswith(".md") else place
    file = File(f"../{place}", None, config.site_dir, False, dest_uri=written, inclusion=InclusionLevel.INCLUDED)
    file.generated_by, file.abs_src_path = "docs/site/hooks.py", str(ROOT / place)
    return file
