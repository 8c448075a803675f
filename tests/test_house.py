"""The drawing of the imports: no cycle of files, and no import from a lower room to a higher one.

Every import counts, those inside functions and those for the type checker too: whoever reads a file has to know what it names.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

import zoo

ROOT = Path(zoo.__file__).parent.parent
LAZY = "zoo"
"""The public face. It resolves its names when they are used, and what it imports for the type checker is left out."""

LAYERS: Sequence[Sequence[str]] = (
    ("errors", "assets", "deprecated"),
    ("system", "options", "command"),
    ("ops",),
    ("nn", "objective"),
    ("data", "step_context"),
    ("augmentation", "transform"),
    ("architecture", "recommendation", "run"),
    ("callback", "plots"),
    ("notebook",),
    ("generate",),
    ("metric", "exporter"),
    ("evaluate",),
    ("plugins",),
    ("report",),
    ("engine",),
    ("bench", "scaffold", "testing", "theory"),
    ("cli",),
    ("__main__",),
    ("zoo_plugins",),
)
"""The rooms from low to high: a folder or a file of zoo/, and plugins/. Those of one layer may import each other, file by file."""


class Import(NamedTuple):
    """One file imports another; both by the name of their module."""

    source: str
    line: int
    target: str


def modules(name: str, folder: Path) -> dict[str, Path]:
    """Every module of a package that lies in `folder`: its name → its file."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        found[".".join((name, *(parts[:-1] if parts[-1] == "__init__" else parts)))] = path
    return found


FILES = modules("zoo", ROOT / "zoo") | modules("zoo_plugins", ROOT / "plugins")


def imports(files: Mapping[str, Path]) -> list[Import]:
    """Every import of one of these files by another. `from a.b import c` is one of a/b/c.py where there is such a module."""
    found = []
    for source, path in files.items():
        for line, named in _named(ast.parse(path.read_text("utf-8")), source, path.name == "__init__.py"):
            target = named
            while target and target not in files:  # a name within a module, or a module of somebody else's
                target = target.rpartition(".")[0]
            if target and target != source:
                found.append(Import(source, line, target))
    return list(dict.fromkeys(found))


def _named(tree: ast.AST, source: str, package: bool) -> Iterator[tuple[int, str]]:
    """(line, full name) of everything that is imported below a node."""
    for node in ast.iter_child_nodes(tree):
        if source == LAZY and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = source.split(".")
            above = parts[: len(parts) + package - node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
        else:
            yield from _named(node, source, package)


def cycles(files: Mapping[str, Path]) -> list[list[Import]]:
    """A shortest cycle of imports from each knot of files (a strongly connected component of more than one)."""
    graph: dict[str, list[Import]] = {name: [] for name in files}
    for each in imports(files):
        graph[each.source].append(each)
    reached = {name: {name, *_ways(graph, name)} for name in graph}
    found, done = [], set()
    for name in graph:
        knot = {other for other in reached[name] if name in reached[other]}
        if len(knot) > 1 and name not in done:
            done |= knot
            found.append(min((_ways(graph, start)[start] for start in sorted(knot)), key=len))
    return found


def _ways(graph: Mapping[str, list[Import]], start: str) -> dict[str, list[Import]]:
    """Every file that is reached from `start`, itself if there is a way back, and the shortest way there."""
    ways: dict[str, list[Import]] = {}
    queue: deque[tuple[str, list[Import]]] = deque([(start, [])])
    while queue:
        name, way = queue.popleft()
        for each in graph[name]:
            if each.target not in ways:
                ways[each.target] = [*way, each]
                queue.append((each.target, ways[each.target]))
    return ways


def told(cycle: Sequence[Import]) -> str:
    """A cycle in words: each file, with the line of the import that leads to the next."""
    return " → ".join([*(f"{each.source}:{each.line}" for each in cycle), cycle[0].source])


def room(module: str) -> str:
    """The room of a module; that of zoo/__init__.py is none."""
    first, _, rest = module.partition(".")
    return rest.partition(".")[0] if first == "zoo" else first


def upward(files: Mapping[str, Path], layers: Sequence[Sequence[str]] = LAYERS) -> list[Import]:
    """The imports from a lower room to a higher one."""
    height = {name: level for level, rooms in enumerate(layers) for name in rooms}
    return [
        each
        for each in imports(files)
        if room(each.source) and room(each.target) and height[room(each.source)] < height[room(each.target)]
    ]


# ---- the house

ROOMS = sorted({room(module) for module in FILES} - {""})


def test_every_room_has_its_layer_and_only_one():
    listed = [name for rooms in LAYERS for name in rooms]
    assert len(listed) == len(set(listed))
    assert set(ROOMS) <= set(listed)
    assert set(listed) - set(ROOMS) <= {"assets"}  # which has no code


def test_the_page_about_the_house_lists_the_rooms_in_this_order():
    """Row by row, as each may import only what stands in a row above."""
    table = (ROOT / "docs/house.md").read_text("utf-8").partition("| room | what it is |\n|---|---|\n")[2]
    rows = [line.split("|")[1] for line in table.partition("\n\n")[0].splitlines()]
    named = [{name.strip("`/ ").removesuffix(".py") for name in row.split(",")} for row in rows]
    assert named == [set(rooms) for rooms in LAYERS if rooms not in (("__main__",), ("zoo_plugins",))]


def test_no_cycle_of_files():
    assert [told(cycle) for cycle in cycles(FILES)] == []


def test_no_import_of_a_higher_room():
    assert [f"{each.source}:{each.line} imports {each.target}" for each in upward(FILES)] == []


# ---- the reader itself, on houses that are built wrong


def built(folder: Path, sources: Mapping[str, str]) -> dict[str, Path]:
    """The modules of a package zoo of these files: path below zoo/ → source."""
    for name, source in {"__init__.py": "", **sources}.items():
        path = folder / "zoo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, "utf-8")
    return modules("zoo", folder / "zoo")


@pytest.mark.parametrize(
    "back",
    [
        "from zoo.a import x",
        "import zoo.a",
        "import zoo.a as other",
        "from zoo import a",
        "from . import a",
        "from .a import x",
        "def late():\n    from zoo.a import x",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from zoo.a import X",
        "class Within:\n    try:\n        import zoo.a\n    except ImportError:\n        pass",
    ],
)
def test_a_cycle_is_found_however_it_is_written(tmp_path, back):
    files = built(tmp_path, {"a.py": "import os\nfrom zoo.b import y", "b.py": back, "c.py": "from zoo import a, b"})
    line = len(back.splitlines()) if "except" not in back else 3
    assert [told(cycle) for cycle in cycles(files)] == [f"zoo.a:2 → zoo.b:{line} → zoo.a"]


def test_a_long_cycle_through_packages_is_named_once_by_its_shortest_way(tmp_path):
    sources = {
        "room/__init__.py": "from zoo.room.one import f",
        "room/one.py": "from zoo.room.two import g",
        "room/two.py": "from zoo.room import three",
        "room/three.py": "from zoo.room import f",
        "other.py": "import zoo.room.one",
    }
    found = cycles(built(tmp_path, sources))
    assert len(found) == 1
    assert {each.source for each in found[0]} == {"zoo.room", "zoo.room.one", "zoo.room.two", "zoo.room.three"}


def test_two_cycles_are_two(tmp_path):
    sources = {f"{x}.py": f"import zoo.{y}" for x, y in ("ab", "ba", "cd", "dc", "ea")}
    assert [told(c) for c in cycles(built(tmp_path, sources))] == [
        "zoo.a:1 → zoo.b:1 → zoo.a",
        "zoo.c:1 → zoo.d:1 → zoo.c",
    ]


def test_what_is_no_cycle_is_none(tmp_path):
    sources = {
        "__init__.py": "if TYPE_CHECKING:\n    from zoo.room import f\n    from zoo import low",
        "room/__init__.py": "from zoo.room.one import f\nfrom zoo.room import one",
        "room/one.py": "import zoo\nfrom zoo import train, low\nfrom zoo.low import x",
        "low.py": "import ast, numpy\nfrom zoo import __version__",
    }
    assert cycles(built(tmp_path, sources)) == []


def test_imports_of_the_lazy_root_count_as_the_root_alone_unless_they_name_a_module(tmp_path):
    files = built(tmp_path, {"a.py": "import zoo\nfrom zoo import train\nfrom zoo import b", "b.py": ""})
    assert [(i.line, i.target) for i in imports(files)] == [(1, "zoo"), (2, "zoo"), (3, "zoo.b")]


@pytest.mark.parametrize("up", ["from zoo.high import x", "def late():\n    import zoo.high", "from zoo import high"])
def test_an_import_of_a_higher_room_is_found(tmp_path, up):
    sources = {
        "low/deep/file.py": up,
        "high/__init__.py": "from zoo.low.deep.file import y",
        "beside.py": "import zoo.low",
    }
    found = upward(built(tmp_path, sources), (("low", "beside"), ("high",)))
    assert found == [Import("zoo.low.deep.file", len(up.splitlines()), "zoo.high")]
    assert (
        upward(built(tmp_path, {**sources, "low/deep/file.py": "import zoo.beside"}), (("low", "beside"), ("high",)))
        == []
    )
