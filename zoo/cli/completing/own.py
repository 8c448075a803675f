"""What zoo's own commands take, read from their source: importing one, with tyro and pydantic, would take most of half a second."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

from zoo.cli.completing.takes import HELP, Option, Takes, switch, typed


def own(command: str) -> Takes:
    """What the dataclass says that the file of a command has its arguments parsed by; nothing where there is none."""
    tree = ast.parse((Path(__file__).parents[1] / f"{command}.py").read_text("utf-8"))
    name = next((_parsed(node) for node in ast.walk(tree) if _parsed(node)), None)
    kind = next((node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name), None)
    if kind is None:
        return Takes()
    fields = [
        (each, _words_below(kind.body[at + 1 : at + 2]))
        for at, each in enumerate(kind.body)
        if isinstance(each, ast.AnnAssign)
    ]
    places = [_option(each, about) for each, about in fields if "Positional" in ast.unparse(each.annotation)]
    options = [_option(each, about) for each, about in fields if "Positional" not in ast.unparse(each.annotation)]
    return Takes(places, [*options, HELP])


def _parsed(node: ast.AST) -> str | None:
    """The class in ``parse(Class, "command", arguments)``."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "parse":
        return ast.unparse(node.args[0])
    return None


def _words_below(nodes: list[ast.stmt]) -> str:
    for node in nodes:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return inspect.cleandoc(node.value.value)
    return ""


def _option(field: ast.AnnAssign, about: str) -> Option:
    kind = ast.unparse(field.annotation)
    name = ast.unparse(field.target)
    said = _said(field.annotation)
    flags = [typed(said.get("name", name)), *said.get("aliases", ())]
    about = said.get("help", about)
    if "bool" in kind:
        default = field.value is not None and ast.unparse(field.value) == "True"
        return Option(name, flags, about, switch=True) if "PairsOff" in kind else switch(name, about, default)
    return Option(
        name, flags, about, many="tuple" in kind, path="Path" in kind, choices=tuple(_choices(field.annotation))
    )


def _said(annotation: ast.expr) -> dict[str, Any]:
    """The keywords of ``tyro.conf.arg(…)``."""
    for node in ast.walk(annotation):
        if isinstance(node, ast.Call):
            return {word.arg: ast.literal_eval(word.value) for word in node.keywords if word.arg}
    return {}


def _choices(annotation: ast.expr) -> list[str]:
    """What ``Literal[…]`` lists."""
    for node in ast.walk(annotation):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal":
            return [str(part.value) for part in ast.walk(node.slice) if isinstance(part, ast.Constant)]
    return []
