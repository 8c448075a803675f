"""zoo-gan beside the other project that is called zoo, and beside torches of any age."""

from __future__ import annotations

from importlib.metadata import version

import pytest
from support import write_distribution

import zoo
from zoo import cli as command_line
from zoo.errors import NativeError
from zoo.system import torch_version
from zoo.system.distribution import DISTRIBUTION, asks_for_foreign, foreign


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed packages."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def write_info(folder, name: str, number: str, **files: str):
    info = folder / f"{name.replace('-', '_')}-{number}.dist-info"
    info.mkdir()
    lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}", *files.pop("requires", "").splitlines()]
    (info / "METADATA").write_text("\n".join(lines) + "\n", "utf-8")
    for file, text in files.items():
        (info / f"{file}.txt").write_text(text, "utf-8")


def test_zoo_is_installed_under_a_name_of_its_own():
    assert version(DISTRIBUTION) == zoo.__version__
    assert foreign() is None


def test_the_foreign_zoo_is_told_of_by_doctor(site, cli):
    write_info(site, "zoo", "0.1a0")
    assert "zoo 0.1a0 of the package index is installed: another project" in foreign()
    out = cli("doctor").out
    assert "pip uninstall zoo, then install this one anew" in " ".join(out.split())


def test_ours_of_the_former_name_is_not_taken_for_it(site):
    write_info(site, "zoo", "0.1.0", entry_points="[zoo]\nodd = odd\n")
    assert "from before it was called zoo-gan" in foreign()


def test_a_module_in_the_place_of_ours_is_told_in_one_line(monkeypatch):
    monkeypatch.delattr(zoo, "hookimpl")
    with pytest.raises(SystemExit) as ended:
        command_line.main(["list"])
    message = str(ended.value)
    assert message.startswith("zoo: ")
    assert "is not zoo's" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("requires", "asks"),
    [("zoo>=0.1", True), ("zoo", True), ("zoo ; extra == 'test'", True), ("zoo-gan>=0.1", False), ("zoology", False)],
)
def test_a_package_that_depends_on_the_foreign_zoo_is_seen_to(site, cli, requires, asks):
    write_distribution(site, "", "zoo_odd")
    with (site / "zoo_odd-1.0.dist-info/METADATA").open("a") as file:
        file.write(f"Requires-Dist: {requires}\n")
    assert asks_for_foreign("zoo-odd") is asks


def test_zoo_plugins_says_what_to_change(install, cli, tmp_path):
    install("import zoo", "zoo_odd")
    (metadata,) = tmp_path.rglob("zoo_odd-*.dist-info/METADATA")
    metadata.write_text(metadata.read_text() + "Requires-Dist: zoo>=0.1\n")
    assert "zoo-odd depends on zoo, which is another project" in cli("plugins").out


@pytest.mark.parametrize("found", ["2.10.1", "1.13.0+cu117", "2.11.0a0"])
def test_a_torch_that_is_too_old_is_said_in_one_line(monkeypatch, found):
    monkeypatch.setattr(torch_version, "version", lambda name: found)
    torch_version.check_torch.cache_clear()
    with pytest.raises(
        NativeError, match=r"torch .* is installed, and zoo needs 2\.11 or newer: pip install --upgrade"
    ):
        torch_version.check_torch()


@pytest.mark.parametrize("found", ["2.11.0", "2.13.0+cpu", "3.0"])
def test_a_torch_that_is_new_enough_is_not(monkeypatch, found):
    monkeypatch.setattr(torch_version, "version", lambda name: found)
    torch_version.check_torch.cache_clear()
    torch_version.check_torch()
    torch_version.check_torch.cache_clear()
