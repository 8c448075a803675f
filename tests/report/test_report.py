"""The report on runs: what is on the page, what is escaped, what is left out, what is refused."""

from __future__ import annotations

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from interpreter import alone
from PIL import Image
from support import Notes, assert_refused, tiny, zoo_process

import zoo
from zoo.errors import OptionError
from zoo.report.settings import command, read_settings
from zoo.report.write import LARGEST, MOST_RUNS
from zoo.run.config import write_config
from zoo.run.scores import Score, Scores, write_scores

MADE = {
    "measures": 1,
    "extractor": "digits",
    "extractor_sha256": "ab" * 32,
    "samples": 500,
    "real": 5000,
    "fingerprint": "x",
}


@pytest.fixture(scope="module")
def trained(images, tmp_path_factory) -> Path:
    """A finished run with grids of steps 0 to 6."""
    out = tmp_path_factory.mktemp("trained") / "run"
    options = tiny("dcgan", steps=6, sample_every=1, checkpoint_every=3, beta1=0.25)
    return zoo.train("dcgan", data=str(images), out=out, **options).path


@pytest.fixture
def run(trained) -> Path:
    """A copy of it, to damage."""
    return Path(shutil.copytree(trained, "run"))


class Reader(HTMLParser):
    """What a page has: its elements, their attributes, its text."""

    def __init__(self, page: Path | str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(page.read_text("utf-8") if isinstance(page, Path) else page)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "img", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def change(run: Path, **values: object) -> None:
    """Write other values into a run's config.json, as zoo writes it."""
    content = json.loads((run / "config.json").read_text())
    content.pop("sha256", None)
    write_config(run, content | values)


def report(run: Path, cli, *arguments: object) -> Reader:
    """The page on a run."""
    outcome = cli("report", run, "--out", "page.html", *arguments)
    assert (outcome.code, outcome.err) == (0, ""), outcome
    reader = Reader(Path("page.html"))
    assert reader.open == []
    return reader


# ---- what is on it


def test_a_training_ends_with_its_report(trained):
    page = trained / "report.html"
    reader = Reader(page)
    assert page.stat().st_size < LARGEST
    for words in ("dcgan", "24 images", "--beta1", "0.25", "finished"):
        assert words in reader.text
    assert len([each for each in reader.all("img") if "data-step" in each]) == 7
    assert [
        each for each in reader.all("svg") if (each.get("aria-label") or "").startswith("loss over the steps: D from")
    ]
    assert "No trouble was found." in reader.text


def test_every_picture_and_control_has_words_for_whoever_does_not_see_it(trained):
    reader = Reader(trained / "report.html")
    assert all(each.get("alt") for each in reader.all("img"))
    assert all(each.get("aria-label") for each in [*reader.all("input"), *reader.all("button")])
    assert all(each.get("aria-label") or each.get("aria-hidden") for each in reader.all("svg") if "class" in each)
    assert [name for name, _ in reader.elements].count("h1") == 1


def test_the_same_run_gives_the_same_bytes(run, cli):
    pages = []
    for name in ("one.html", "two.html"):
        assert cli("report", run, "--out", name).code == 0
        pages.append(Path(name).read_bytes())
    assert pages[0] == pages[1]


def test_in_python_it_is_the_same(run):
    assert zoo.report(run) == run / "report.html"
    assert zoo.report(zoo.Run(run), out="other/page.html").read_bytes() == (run / "report.html").read_bytes()


def test_it_needs_no_torch(run):
    alone(f"import zoo\nzoo.report({str(run)!r})\nheavy('torch', 'matplotlib')")


def test_the_command_is_one_that_makes_such_a_run(run, images):
    from zoo.report.content import read_run

    content = read_run(run)
    typed = command(content, read_settings(content)).split()
    assert typed[:3] == ["zoo", "train", "dcgan"]
    assert typed[-2:] == ["--out", "run"]  # which the commands below it name
    again = zoo_process(*typed[1:-1], "again")
    assert again.code == 0, again
    options, others = (zoo.Run(each).config["options"] for each in (run, "again"))
    assert options == others


def test_scores_are_shown_with_interval_and_floor_and_over_the_steps(run, cli):
    for step, value in ((3, 40.0), (6, 20.5)):
        write_scores(run, Scores(step, {"frechet": {"distance": Score(value, value - 2, value + 2, 1.25)}}, MADE))
    reader = report(run, cli)
    assert "20.5 18.5 to 22.5 1.25" in reader.text
    assert "frechet: distance over the steps: 95 % interval shaded from 40 to 20.5" in [
        each.get("aria-label") for each in reader.all("svg")
    ]


def charts(reader: Reader, metric: str) -> list[str]:
    """What its charts show, in words."""
    labels = [each.get("aria-label") or "" for each in reader.all("svg")]
    return [label for label in labels if label.startswith(metric) and "over the steps" in label]


def test_scores_of_another_extractor_are_on_no_curve_with_the_newest(run, cli):
    write_scores(run, Scores(3, {"frechet": {"distance": Score(40.0)}}, {**MADE, "extractor": "random"}))
    write_scores(run, Scores(6, {"frechet": {"distance": Score(20.5)}}, MADE))
    reader = report(run, cli)
    assert "differ in extractor (digits, random)" in reader.text
    assert charts(reader, "frechet") == []


TRAINED = {**MADE, "samples": 256, "during": "training"}


def test_the_curve_of_a_training_stays_where_the_run_is_evaluated_with_other_samples(run, cli):
    for step, value in ((3, 40.0), (6, 30.0)):
        write_scores(run, Scores(step, {"kid": {"kid": Score(value, value - 1, value + 1)}}, TRAINED))
    write_scores(run, Scores(6, {"kid": {"kid": Score(20.5, 20.0, 21.0)}}, MADE))
    reader = report(run, cli)
    (label,) = charts(reader, "kid")
    assert label.startswith("kid over the steps: while training, 256 samples from 40 to 30; zoo evaluate, 500 samples")
    assert "does not compare" in label
    assert len([each for each in reader.all("circle") if each["class"] == "dot open run0"]) == 1
    assert "20.5 20 to 21" in reader.text  # the table has the newest
    assert "number of samples (500, 256)" in reader.text


def test_scores_of_other_data_are_no_mark_beside_the_curve(run, cli):
    for step, value in ((3, 40.0), (6, 30.0)):
        write_scores(run, Scores(step, {"kid": {"kid": Score(value)}}, TRAINED))
    write_scores(run, Scores(6, {"kid": {"kid": Score(20.5)}}, {**MADE, "fingerprint": "y"}))
    reader = report(run, cli)
    assert charts(reader, "kid") == ["kid over the steps: 95 % interval shaded from 40 to 30"]
    assert not [each for each in reader.all("circle") if "open" in (each["class"] or "")]


def test_runs_stand_side_by_side_with_the_scores_that_compare(run, trained, cli):
    for place in (run, other := Path(shutil.copytree(trained, "other"))):
        for step, value in ((3, 40.0), (6, 30.0)):
            write_scores(place, Scores(step, {"kid": {"kid": Score(value, value - 1, value + 1)}}, TRAINED))
    write_scores(other, Scores(6, {"kid": {"kid": Score(20.5)}}, MADE))
    assert cli("report", run, other).code == 0
    reader = Reader(Path("report.html"))
    assert "kid 30 29 to 31 30 29 to 31" in reader.text
    assert "kid of other is not its newest, but what compares: while training, 256 samples, step 6." in reader.text
    assert [label.count("from 40 to 30") for label in charts(reader, "kid")] == [2]


def test_trouble_is_marked_and_told(run, cli):
    with (run / "metrics.jsonl").open("a") as file:
        file.write(
            json.dumps({"step": 5, "event": "collapsed", "message": "all alike", "values": {"variety": 0.01}}) + "\n"
        )
    reader = report(run, cli)
    assert "Step 5, collapsed : all alike (variety 0.01)" in reader.text
    assert [each for each in reader.all("line") if each.get("class") == "mark"]


def test_changes_on_the_way_are_told(run, cli):
    zoo.resume(run, steps=8, learning_rate=0.5)
    reader = report(run, cli)
    assert "Changed when the run went on" in reader.text
    assert "6 learning_rate" in reader.text
    assert "8" in reader.text


def test_several_runs_stand_side_by_side(run, trained, cli, images):
    zoo.train("vanilla", data=str(images), out="other", **tiny("vanilla"))
    write_scores(run, Scores(6, {"frechet": {"distance": Score(20.5)}}, MADE))
    write_scores(Path("other"), Scores(4, {"frechet": {"distance": Score(10.0)}}, {**MADE, "samples": 100}))
    outcome = cli("report", run, "other")
    assert (outcome.code, outcome.out.strip()) == (0, "report: report.html")
    reader = Reader(Path("report.html"))
    assert "2 runs: run, other" in reader.text
    assert "beta1 0.25" in reader.text
    assert "Scores of other do not compare: they differ in number of samples (500, 100)." in reader.text
    assert len(reader.all("input")) == 2


def test_runs_of_one_name_are_called_by_their_folders_and_none_is_given_twice(run, trained, cli):
    shutil.copytree(trained, Path("elsewhere") / "run")
    assert cli("report", run, "elsewhere/run").code == 0
    assert f"2 runs: {Path.cwd().name}/run, elsewhere/run" in Reader(Path("report.html")).text
    assert_refused(cli("report", run, "elsewhere/run", run.resolve()), f"{run.resolve()} is given twice")


def test_the_checkpoint_that_is_kept_as_the_best_is_a_fact_beside_the_newest_score(run, cli):
    (run / "checkpoints" / "step-00000003" / "kept.json").write_text(json.dumps({"best kid": "1.5"}))
    write_scores(run, Scores(6, {"kid": {"kid": Score(20.5)}}, MADE))
    reader = report(run, cli)
    assert "kid 20.5" in reader.text
    assert "kept as best kid 1.5, step 3" in reader.text


def test_which_end_of_a_number_is_best_is_said_and_that_copies_say_nothing(run, cli):
    found = {"kid": {"kid": Score(-0.031, -0.032, -0.030)}, "copies": {"pixels": Score(1.0)}}
    write_scores(run, Scores(6, found, MADE))
    reader = report(run, cli)
    assert "at most; the lowest is best" in reader.text
    assert "0 is best; the lowest" not in reader.text
    assert "100% of these pictures are training images, or all but" in reader.text


# ---- nothing of a run is markup, and nothing is loaded

EVIL = "\"'><script>alert(1)</script><img src=http://evil.example/x onerror=alert(1)>\x1b[2J\u202e"
ATTRIBUTES = {
    "class", "id", "src", "alt", "width", "height", "data-step", "hidden", "decoding", "type", "min", "max", "step", "value",
    "aria-label", "aria-valuetext", "aria-labelledby", "aria-hidden", "aria-live", "role", "tabindex", "scope", "lang", "charset",
    "http-equiv", "content", "name", "rel", "href", "viewbox", "preserveaspectratio", "x", "y", "dx", "dy", "x1", "x2", "y1", "y2",
    "cx", "cy", "r", "d", "text-anchor",
}  # fmt: skip


def test_what_a_run_holds_is_text_and_never_markup(run, cli):
    evil = {EVIL: EVIL}
    config = json.loads((run / "config.json").read_text())
    change(
        run,
        architecture=EVIL,
        preset=EVIL,
        options=config["options"] | evil | {"beta1": EVIL},
        plugin={"distribution": EVIL, "version": EVIL},
        data=config["data"] | {"title": EVIL, "fingerprint": EVIL},
        environment=evil | {"torch": EVIL, "ops": {EVIL: {"cpu": "native"}}},
        changes=[{"step": 2, "option": EVIL, "from": EVIL, "to": evil}],
        healing=[{"step": 2, "detected_at": 3, "number": 1, "remedy": 1, "trouble": EVIL, "changes": evil}],
        **{"from": {"path": EVIL, "step": EVIL}},
    )
    with (run / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"step": 6, "d_loss": 1.0, EVIL: 2.0}) + "\n")
        file.write(json.dumps({"step": 3, "event": EVIL, "message": EVIL, "values": {EVIL: 1.0}}) + "\n")
        file.write(json.dumps({"step": 3, "event": "x", "message": evil, "values": [EVIL]}) + "\n")
    (next((run / "checkpoints").iterdir()) / "kept.json").write_text(json.dumps(evil))
    write_scores(run, Scores(3, {EVIL: {EVIL: Score(1.0, 0.5, 2.0, 0.1)}}, MADE | evil, {EVIL: evil}))
    reader = report(run, cli)
    assert "alert(1)" in reader.text
    assert [attributes for attributes in reader.all("script") if attributes] == []
    assert len(reader.all("script")) == len(reader.all("style")) == 1
    found = {name for _, attributes in reader.elements for name in attributes}
    assert found - ATTRIBUTES == set()
    sources = {
        (each.get("src") or each.get("href") or "").partition(",")[0]
        for _, each in reader.elements
        if "src" in each or "href" in each
    }
    assert sources <= {"data:image/png;base64", "data:image/jpeg;base64", "data:"}
    assert "\x1b" not in reader.text
    assert "\u202e" not in reader.text


def test_the_page_forbids_itself_all_that_is_not_in_it(trained):
    policy = next(each["content"] for each in Reader(trained / "report.html").all("meta") if "http-equiv" in each)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules.keys() == {"default-src", "img-src", "style-src", "script-src"}
    assert (rules["default-src"], rules["img-src"]) == ("'none'", "data:")
    assert rules["script-src"].startswith("'sha256-")


# ---- what is damaged is left out


def _empty(run: Path) -> None:
    for name in ("samples", "checkpoints"):
        shutil.rmtree(run / name)
    (run / "metrics.jsonl").unlink()


def _folder(name: str):
    def replace(run: Path) -> None:
        (run / name).unlink(missing_ok=True)
        (run / name).mkdir()

    return replace


def _content(name: str, content: bytes):
    def write(run: Path) -> None:
        for path in [*run.glob(name)] or [run / name]:
            path.write_bytes(content)

    return write


def _odd_config(run: Path) -> None:
    options = {"beta1": [1, {"a": None}], "steps": "many", "unknown": 10**400}
    change(run, preset=["x"], options=options, data="none", environment={"torch": [1]}, steps="x")


def _edited_config(run: Path) -> None:
    path = run / "config.json"
    path.write_text(path.read_text().replace("dcgan", "lsgan", 1))


def _odd_numbers(run: Path) -> None:
    lines = [
        {"step": step, "d_loss": value, "g_loss": value}
        for step, value in enumerate([1e308, -1e308, 10**400, None, True, "x", [1]])
    ]
    lines += [{"step": step, "d_loss": 1.0} for step in (10**400, -5, None, "x", 1e300, True)]
    lines += [
        {"step": 10**400, "event": "x"},
        {"step": True, "event": "y"},
        {"step": -3, "event": "z", "values": {"a": 10**400, "b": [1]}},
    ]
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    write_scores(run, Scores(10**30, {"a": {"b": Score(1.0)}}, {}))
    write_scores(run, Scores(-1, {"a": {"b": Score(1e300, -1e300, 1e300, 0.0)}}, {}))
    write_scores(run, Scores(2, {"a": {"b": Score(1e-300, 0.0, 1e-300, 0.0)}}, {"x": list(range(10**5))}))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_empty, "metrics.jsonl has no lines"),
        (_folder("metrics.jsonl"), "it is a folder, not a file"),
        (_folder("scores.jsonl"), "it is a folder, not a file"),
        (_folder("samples/step-00000003.png"), "samples/step-00000003.png"),
        (_content("samples/step-00000006.png", b"\x89PNG no"), "samples/step-00000006.png"),
        (_content("samples/*.png", b""), "There are no pictures in the run."),
        (_content("metrics.jsonl", b"\xff\n{\n[1]\n" + b"[" * 10**5 + b"\n"), "metrics.jsonl has no lines"),
        (_content("scores.jsonl", b"\xff\n{}\nnull\n"), "Not evaluated"),
        (_content("scores.jsonl", b"\xff\n{}\nnull\n"), "of scores.jsonl: 3 lines that cannot be read"),
        (_content("copies.png", b"GIF89a"), "copies.png: it is no PNG picture, or its beginning is damaged"),
        (_content("checkpoints/*/generator.safetensors", b"\xff" * 99), "generator.safetensors is no safetensors file"),
        (_content("checkpoints/step-00000006/kept.json", b"{"), "Environment"),
        (_odd_config, "Presets and defaults of this architecture are not known here"),
        (_odd_numbers, "Trouble: x, y, z"),
        (lambda run: change(run, changes=[3], healing="no"), "line 1 of 'changes'"),
        (lambda run: change(run, architecture="of-another-zoo"), "of-another-zoo"),
        (_edited_config, "was changed since zoo wrote it"),
    ],
)  # fmt: skip
def test_what_is_damaged_is_left_out_and_the_rest_is_shown(run, cli, damage, words):
    damage(run)
    assert words in report(run, cli).text


def test_nothing_outside_the_run_is_read(run, cli):
    secret = Path("secret")
    secret.mkdir()
    Image.new("L", (64, 64), 77).save(secret / "step-00000006.png")
    (secret / "metrics.jsonl").write_text(json.dumps({"step": 12345, "d_loss": 1.0}) + "\n")
    write_scores(secret, Scores(4321, {"a": {"b": Score(9876.5)}}, {}))
    for name in ("metrics.jsonl", "scores.jsonl", "samples/step-00000006.png"):
        (run / name).unlink(missing_ok=True)
        (run / name).symlink_to((secret / Path(name).name).resolve())
    (run / "copies.png").symlink_to((secret / "step-00000006.png").resolve())
    reader = report(run, cli)
    assert reader.text.count("leads out of the run") >= 4
    assert "12,345" not in reader.text
    assert "9,876" not in reader.text
    assert not [each for each in reader.all("img") if each.get("data-step") == "6"]
    shutil.move(run / "config.json", secret / "config.json")
    (run / "config.json").symlink_to((secret / "config.json").resolve())
    assert_refused(cli("report", run), "config.json is a link that leads out of the run")


def test_a_long_journal_makes_no_large_page(run, cli):
    with (run / "metrics.jsonl").open("w") as file:
        file.writelines(
            f'{{"step": {step}, "d_loss": {step % 7}.5, "g_loss": 1.0, "d_real": 0.5, "d_fake": 0.5}}\n'
            for step in range(1, 100_001)
        )
        file.writelines(f'{{"step": {step}, "event": "e{step}", "message": "m"}}\n' for step in range(1, 3001))
    reader = report(run, cli)
    assert Path("page.html").stat().st_size < 1_000_000
    assert "2,960 more are in metrics.jsonl" in reader.text


def test_pictures_that_are_large_are_made_smaller_until_the_page_is_small(run, cli):
    noise = Image.effect_noise((900, 900), 100).convert("RGB")
    for step in range(40):
        noise.save(run / "samples" / f"step-{step:08d}.png")
    reader = report(run, cli)
    shown = [each for each in reader.all("img") if "data-step" in each]
    assert Path("page.html").stat().st_size < LARGEST
    assert 10 < len(shown) <= 24
    assert (shown[0]["data-step"], shown[-1]["data-step"]) == ("0", "39")


# ---- what is refused


def test_what_is_no_run_is_refused_in_a_line(run, cli):
    Path("empty").mkdir()
    Path("file").write_text("x")
    for name, words in (("empty", "is not a run"), ("file", "is a file"), ("nowhere", "there is no run")):
        assert_refused(cli("report", run, name, "--out", "page.html"), words)
    change(run, format=99)
    assert_refused(cli("report", run), "written by a newer zoo")
    assert not Path("page.html").exists()


def test_a_place_that_is_none_is_refused_in_a_line(run, cli):
    Path("folder.html").mkdir()
    Path("file").write_text("x")
    assert_refused(
        cli("report", run, "--out", "folder.html"),
        "--out folder.html: it is a folder; give the name of a page, NAME.html",
    )
    assert_refused(cli("report", run, "--out", "page.pdf"), "give the name of a page, NAME.html")
    assert_refused(cli("report", run, "--out", "file/page.html"), "cannot write file/page.html")
    assert not list(Path().glob(".*part*"))


def test_no_run_and_too_many_are_refused(run, cli):
    with pytest.raises(OptionError, match="0 runs are given"):
        zoo.report()
    assert_refused(cli("report", *[run] * (MOST_RUNS + 1)), "13 runs are given; give 1 to 12")


# ---- at the end of a training


def test_no_report_is_made_where_none_is_wanted(images, cli):
    run = zoo.train("dcgan", data=str(images), out="run", **tiny("dcgan", report=False))
    assert not (run.path / "report.html").exists()
    assert "is finished" in cli("resume", "run").err


def test_a_report_that_cannot_be_made_is_a_line_and_ends_no_training(images):
    class InTheWay(zoo.Callback):
        def on_start(self, run, step, steps):
            (run.path / "report.html" / "taken").mkdir(parents=True)

    said: list[str] = []
    run = zoo.train("dcgan", data=str(images), out="run", callbacks=[InTheWay(), Notes(said)], **tiny("dcgan"))
    assert run.latest()[0] == 4
    (line,) = [line for line in said if "report.html" in line]
    assert line.startswith("report.html is left out: ")
    assert "\n" not in line


def test_a_run_that_was_ended_behind_its_last_checkpoint_gets_its_report(run, cli):
    whole = (run / "report.html").read_bytes()
    (run / "report.html").unlink()
    outcome = cli("resume", run)
    assert outcome.code == 0
    assert "report.html" in outcome.out
    assert (run / "report.html").read_bytes() == whole


def test_a_run_of_a_zoo_without_reports_is_finished_without_one(run, cli):
    config = json.loads((run / "config.json").read_text())
    config["options"].pop("report")
    change(run, options=config["options"])
    (run / "report.html").unlink()
    assert "is finished" in cli("resume", run).err
