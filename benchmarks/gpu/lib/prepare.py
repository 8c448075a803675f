"""prepare.py CHECKOUT TREE PREBUILT: a copy of the checkout that Python imports zoo from, as an editable installation would.

TREE gets what is needed of the checkout, `zoo_plugins`, and a zoo.egg-info with the entry points (so neither pip nor setuptools
is asked). The native libraries in PREBUILT are taken where they were built from these very sources and load here; TREE/zoo/_native
then holds a file `prebuilt`. PREBUILT may be a folder that is not there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import tomllib

NEEDED = ("zoo", "plugins", "tests", "benchmarks", "csrc", "examples", "setup.py", "pyproject.toml", "constraints.txt",
          "README.md", "LICENSE", "MANIFEST.in", "Makefile")  # fmt: skip


def sources(root: Path) -> str:
    """What tells the sources of the native core from any others."""
    digest = hashlib.sha256()
    for path in [*sorted(p for p in (root / "csrc").rglob("*") if p.is_file()), root / "setup.py"]:
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def copy(checkout: Path, tree: Path) -> None:
    if tree.exists():
        shutil.rmtree(tree)
    tree.mkdir(parents=True)
    skip = shutil.ignore_patterns("__pycache__", "*.so", "_native", ".git", "runs", "build", "*.egg-info")
    for name in NEEDED:
        source = checkout / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=skip)
        elif source.exists():
            shutil.copy2(source, tree / name)
    (tree / "zoo_plugins").symlink_to("plugins", target_is_directory=True)


def describe(tree: Path) -> None:
    """zoo.egg-info, by hand."""
    project = tomllib.loads((tree / "pyproject.toml").read_text("utf-8"))["project"]
    info = tree / "zoo.egg-info"
    info.mkdir()
    (info / "PKG-INFO").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n", "utf-8"
    )
    groups = {"console_scripts": project.get("scripts", {}), **project.get("entry-points", {})}
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in points.items()) for group, points in groups.items()]
    (info / "entry_points.txt").write_text("\n".join(lines), "utf-8")


def take(prebuilt: Path, tree: Path) -> str | None:
    """The libraries of PREBUILT into the tree; returns why not."""
    stamp = prebuilt / "SOURCES.sha256"
    if not stamp.exists():
        return "there are none"
    if stamp.read_text().strip() != sources(tree):
        return "they were built from other sources"
    native = tree / "zoo" / "_native"
    native.mkdir()
    for name in ("cpu.abi3.so", "cuda.abi3.so", "build.json"):
        shutil.copy2(prebuilt / name, native / name)
    for path in prebuilt.glob("_host*.so"):
        shutil.copy2(path, tree / "zoo" / path.name)
    code = f"""
import glob, importlib.util, torch
spec = importlib.util.spec_from_file_location("_host", glob.glob({str(tree / "zoo")!r} + "/_host*.so")[0])
importlib.util.module_from_spec(spec)
library = torch.library.Library("zoo", "DEF")
for name in ("cpu", "cuda"):
    torch.ops.load_library({str(native)!r} + f"/{{name}}.abi3.so")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""}
    )
    if done.returncode:
        shutil.rmtree(native)
        for path in (tree / "zoo").glob("_host*.so"):
            path.unlink()
        return f"they do not load here: {done.stderr.strip().splitlines()[-1:]}"
    (native / "prebuilt").write_text("taken from beside run.sh\n")
    return None


def main() -> None:
    checkout, tree, prebuilt = (Path(argument) for argument in sys.argv[1:4])
    copy(checkout, tree)
    describe(tree)
    if os.environ.get("PREBUILT") == "0":
        print("native libraries: PREBUILT=0, to be built here")
    else:
        why_not = take(prebuilt, tree)
        print("native libraries: " + (f"to be built here, {why_not}" if why_not else "those beside run.sh"))
    print("sources of the native core:", sources(tree)[:16])


if __name__ == "__main__":
    main()
