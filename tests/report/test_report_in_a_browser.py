"""The report as a person sees it: in a real Chromium, in light and dark, on a desk and on a phone."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from chromium import Page, browsing, find_chromium
from PIL import Image
from support import tiny

import zoo
from zoo.run.scores import Score, Scores, write_scores

CHROMIUM = find_chromium()
pytestmark = pytest.mark.skipif(
    CHROMIUM is None or os.name == "nt", reason="no Chromium is installed (apt-get install chromium)"
)

MADE = {"extractor": "digits", "extractor_sha256": "ab" * 32, "samples": 500, "real": 5000, "fingerprint": "x" * 64}


@pytest.fixture(scope="module")
def browser():
    with browsing(str(CHROMIUM)) as page:
        yield page


@pytest.fixture(scope="module")
def pages(images, tmp_path_factory) -> dict[str, Path]:
    """The report on one run and on three, with scores, trouble and long names."""
    folder = tmp_path_factory.mktemp("pages")
    runs = []
    for name in ("first", "a-run-with-a-rather-long-name-that-no-phone-has-room-for", "third"):
        options = tiny("dcgan", steps=12, sample_every=3, seed=len(name))
        runs.append(zoo.train("dcgan", data=str(images), out=folder / name, **options))
        for step in (4, 8, 12):
            numbers = {
                "distance": Score(50.0 / step, 40.0 / step, 60.0 / step, 1.0),
                "a_number_of_a_long_name": Score(1e-9),
            }
            write_scores(
                runs[-1].path, Scores(step, {"frechet": numbers, "kid": {"kid": Score(0.5, 0.1, 0.9, 0.2)}}, MADE)
            )
    with (runs[0].path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 7, "event": "collapsed", "message": "' + "x" * 200 + '", "values": {"variety": 0.1}}\n')
    return {"one": zoo.report(runs[0]), "three": zoo.report(*runs, out=folder / "three.html")}


def colours(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("name", ["one", "three"])
def test_it_fits_the_window_and_asks_for_nothing(browser: Page, pages, name, width, dark):
    browser.problems.clear()
    browser.requests.clear()
    browser.open(pages[name], width, 800, dark)
    browser.run("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run("[...document.images].every(each => each.complete && each.naturalWidth > 0)")
    assert browser.problems == []
    assert {address.partition(":")[0] for address in browser.requests} <= {"file", "data"}
    assert len([address for address in browser.requests if address.startswith("file:")]) == 1
    corner = colours(browser.picture(whole=False))[:4, :4].mean()
    assert corner < 60 if dark else corner > 220


def test_the_slider_moves_the_grid(browser: Page, pages):
    browser.open(pages["one"])
    steps, seen = [], []
    for place in range(5):
        browser.run(
            f"(slider => {{ slider.value = {place}; slider.dispatchEvent(new Event('input')); }})(document.querySelector('input'))"
        )
        steps.append(browser.run("document.querySelector('.film output').textContent"))
        assert browser.run("[...document.querySelectorAll('.frames img')].filter(each => !each.hidden).length") == 1
        assert browser.run("document.querySelector('input').getAttribute('aria-valuetext')") == f"step {steps[-1]}"
        seen.append(colours(browser.picture(whole=False)).tobytes())
    assert steps == ["0", "3", "6", "9", "12"]
    assert len(set(seen)) == 5


def test_the_slider_is_moved_by_the_keyboard(browser: Page, pages):
    browser.open(pages["one"])
    browser.run("document.querySelector('input').focus()")
    for kind in ("keyDown", "keyUp"):
        browser.call("Input.dispatchKeyEvent", type=kind, key="ArrowLeft", code="ArrowLeft", windowsVirtualKeyCode=37)
    assert browser.run("document.querySelector('.film output').textContent") == "9"


def test_without_scripts_the_last_grid_is_shown(browser: Page, pages):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(pages["one"])
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
    shown = "[...document.querySelectorAll('.frames img')].filter(each => each.offsetHeight > 0).map(each => each.dataset.step)"
    assert browser.run(shown) == ["12"]
    assert browser.run("document.querySelector('.controls').offsetHeight") == 0


CONTRAST = """
(() => {
  const light = (colour) => {
    const linear = (each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4;
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map(each => linear(each / 255));
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const behind = (each) => {
    for (; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (!colour.endsWith(", 0)")) return colour;
    }
  };
  const poor = [];
  for (const each of document.querySelectorAll("main *")) {
    if (![...each.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())) continue;
    const style = getComputedStyle(each);
    const colour = each.namespaceURI.endsWith("svg") ? style.fill : style.color;
    const pair = [light(colour), light(behind(each))].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (ratio < 4.5) poor.push([each.tagName, each.textContent.slice(0, 40), ratio]);
  }
  return poor;
})()
"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_word_stands_out_from_what_is_behind_it(browser: Page, pages, dark):
    browser.open(pages["three"], dark=dark)
    assert browser.run(CONTRAST) == []


def test_it_is_printed_without_controls_and_with_all_that_can_be_unfolded(browser: Page, pages):
    browser.open(pages["one"])
    assert len(browser.call("Page.printToPDF", printBackground=True)["data"]) > 10_000
    assert browser.run("[...document.querySelectorAll('details')].every(each => each.open)")


def test_a_script_that_a_run_smuggles_in_is_not_run(browser: Page, images, tmp_path):
    """The page's own policy holds, if what escapes everything should fail."""
    run = zoo.train("dcgan", data=str(images), out=tmp_path / "run", **tiny("dcgan"))
    page = zoo.report(run)
    taken = "document.title = 'taken'"
    evil = f"<script>{taken}</script><img src='x' onerror=\"{taken}\"><b style='color: red' id=b>b</b>"
    page.write_text(page.read_text("utf-8").replace("<footer>", evil + "<footer>"), "utf-8")
    browser.open(page)
    assert "taken" not in browser.run("document.title")
    assert browser.run("getComputedStyle(document.querySelector('#b')).color") != "rgb(255, 0, 0)"
