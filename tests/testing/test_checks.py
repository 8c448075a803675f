"""Each check of the kit fails for a toy made for it, and passes for one that behaves; the message tells which and why."""

from __future__ import annotations

import errno
import json
import os
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import torch

import zoo.testing
from zoo.deprecated import RENAMED
from zoo.errors import OptionError, PluginError, RunError
from zoo.ops import references
from zoo.plugins.registry import registry
from zoo.testing import CHECKS
from zoo.testing.subject import Subject

QUICK = [name for name in CHECKS if name != "compiled"]

FAILING = {
    # toy: (the check that it fails, what the message has to tell)
    "wrong-shape": ("shapes", "makes (8, 1, 8, 9), where (8, 1, 9, 9) is asked for", "grey 9×9 images"),
    "bright": ("shapes", "not within [-1, 1]", "nn.Tanh()"),
    "many-logits": ("shapes", "gives (8, 4) for 8 images", "let it return the shape (8,) or (8, 1)"),
    "one-at-a-time": ("shapes", "IndexError: one latent is too few", "broken_toys.py:", "a batch of 1"),
    "not-a-number": ("shapes", "logits hold NaN or infinity", "colour 8×8 images of 3 classes, a batch of 8"),
    "detached": ("gradients", "generator.hidden.weight (8×4): none", "detach()"),
    "unused": ("gradients", "discriminator.scale (3): none", "requires_grad_(False)"),
    "zeros": ("gradients", "discriminator.scale (1): only zeros"),
    "blind-generator": ("labels", "the generator gives the very same for label 0 and label 1"),
    "blind-discriminator": ("labels", "the discriminator gives the very same for label 1 and label 2"),
    "blind-in-noise": ("labels", "the generator gives the very same for label 0 and label 1"),
    "blind-with-dropout": ("labels", "the discriminator gives the very same for label 0 and label 1"),
    "wrong-way": ("learning", "the discriminator's loss is", "after 0, 11, 39, 79 updates", "the right sign"),
    "wrong-way-generator": ("learning", "the generator's loss is", "again and again to the generator alone"),
    "needs-two": ("batch", "--batch-size 1 is too small for needs-two", "set smallest_batch to 2 or more"),
    "spread-of-one": ("batch", "d_real is nan in step 0", "a batch of 1", "set smallest_batch to 2"),
    "only-single": ("bfloat16", "RuntimeError", "broken_toys.py:", "x.dtype"),
    "asks-who-serves": (
        "ops",
        "in step 0: ",
        "tolerance: losses within 0.001 of themselves and 0.0001 more",
        "zoo doctor --check",
    ),
    "forgetful": ("state", "the networks answer differently", "networks built with another seed", "register_buffer"),
    "dicey": (
        "seed",
        "two runs with the same seed differ in",
        "grey 8×8 images of 3 classes, 4 steps of zoo train",
        "numpy.random",
    ),
    "counting": (
        "resume",
        "the resumed run differs",
        "4 steps of zoo train, batches of 8, stopped after 2, and zoo resume",
        "context.number",
    ),
    "lazy": ("resume", "32 steps of zoo train", "stopped after 16, and zoo resume"),
    "undocumented": ("documented", "options without a sentence: --width", "Undocumented.Options"),
    "nameless": ("documented", "Nameless has no docstring", "zoo list"),
    "terse": ("documented", "has 6 characters: 'A GAN.'"),
    "empty-note": ("documented", "the note on preset 'quick' is ''"),
    "unsuited": (
        "presets",
        "preset that preset_for() names for images of 8×8 'colour'",
        "colour 8×8 images",
        "return one of quick",
    ),
    "misfit": ("presets", "unknown option 'step'; did you mean 'steps'?", "mend presets['slow']"),
    "unbuildable": ("presets", "--size 30: unbuildable works for every size from 8 to 28", "preset 'large'"),
}


@pytest.fixture(scope="module", autouse=True)
def toys():
    """The toys are installed."""
    registry.cache_clear()
    registry().load([EntryPoint("toys", "broken_toys", "zoo")])
    yield
    registry.cache_clear()
    sys.modules.pop("broken_toys", None)


def failures(name: str, only=None, **options) -> dict[str, str]:
    outcomes = zoo.testing.check(name, only=only, without=[] if only else ["compiled"], **options)
    return {outcome.check: str(outcome) for outcome in outcomes if outcome.failure}


@pytest.mark.parametrize("name", ["good", "conditional", "zero-embeddings", "four"])
def test_an_architecture_that_behaves_passes_every_check(name):
    outcomes = zoo.testing.check(name, without=["compiled"])
    assert [outcome.check for outcome in outcomes] == QUICK
    assert {outcome.check: str(outcome) for outcome in outcomes if outcome.failure} == {}
    skipped = {outcome.check for outcome in outcomes if outcome.state == "skipped"}
    assert skipped - {"ops"} == ({"labels"} if name in ("good", "four") else set())


@pytest.mark.parametrize("name", FAILING)
def test_a_toy_fails_the_one_check_it_is_made_to_fail(name):
    check, *told = FAILING[name]
    if check == "ops" and "cpu" not in zoo.ops.library._native:
        pytest.skip("the CPU library is not built")
    found = failures(name)
    assert list(found) == [check], found
    message = found[check]
    assert message.startswith(f"{name} fails the check '{check}': {CHECKS[check].sentence}\n  given: ")
    assert f"\n  again: zoo check {name} --only {check}" in message
    assert "Traceback" not in message
    assert [text for text in told if text not in message] == [], message


def test_every_check_fails_for_a_toy():
    assert {check for check, *_ in FAILING.values()} | {"compiled"} == set(CHECKS)


@pytest.mark.slow
@pytest.mark.usefixtures("compiler")
def test_a_graph_that_computes_something_else_fails_compiled():
    message = failures("uncompilable", ["compiled"])["compiled"]
    assert "without and with torch.compile, in step 0: " in message
    assert "both networks under torch.compile" in message


@pytest.mark.slow
@pytest.mark.usefixtures("compiler")
def test_penalties_on_gradients_are_left_out_where_they_cannot_be_compiled():
    (outcome,) = zoo.testing.check("penalised", only=["compiled"])
    assert (outcome.state, outcome.failure) == ("passed", None)
    assert "but for penalties on gradients, which torch.compile cannot differentiate twice" in outcome.remark
    assert outcome.remark in str(outcome)
    assert outcome.as_json()["remark"] == outcome.remark
    (outcome,) = zoo.testing.check("good", only=["compiled"], r1=1.0)
    assert (outcome.state, outcome.remark[:28]) == ("passed", "but for penalties on gradien")
    assert zoo.testing.check("good", only=["documented"])[0].remark == ""


def test_a_check_is_a_function_that_says_what_is_checked_and_may_decline():
    def tall(subject):
        """It stands upright."""
        raise zoo.testing.CheckSkipped("it lies down")

    check = zoo.testing.Check(tall)
    assert (check.name, check.sentence) == ("tall", "It stands upright.")
    with Subject("good") as subject:
        outcome = check.run(subject)
    assert isinstance(outcome, zoo.testing.Outcome)
    assert (outcome.check, outcome.state, outcome.reason) == ("tall", "skipped", "it lies down")
    assert str(outcome) == "good: tall skipped, it lies down"


def test_what_fails_a_check_says_what_was_found_and_what_to_do():
    def tall(subject):
        """It stands upright."""
        raise zoo.testing.CheckFailed("it is 2 cm high", "let it grow")

    with Subject("good") as subject:
        outcome = zoo.testing.Check(tall).run(subject)
    assert str(outcome.failure) == "it is 2 cm high; let it grow"
    assert str(outcome).splitlines() == [
        "good fails the check 'tall': It stands upright.",
        "  found: it is 2 cm high",
        "  to do: let it grow",
        "  again: zoo check good --only tall",
    ]


def test_without_a_compiler_compiled_is_skipped(monkeypatch):
    monkeypatch.setattr("zoo.system.compiling.obstacle", lambda: "no C++ compiler")
    (outcome,) = zoo.testing.check("good", only=["compiled"])
    assert (outcome.state, outcome.reason) == ("skipped", "no C++ compiler")


def test_without_kernels_ops_is_skipped():
    with references():
        (outcome,) = zoo.testing.check("good", only=["ops"])
    assert outcome.state == "skipped"
    assert "the references serve on cpu anyway: The references are asked for" in outcome.reason


def test_a_count_in_a_network_fails_what_depends_on_its_state():
    found = failures("counting-network")
    assert set(found) == {"state", "resume"}
    assert "plain attribute" in found["state"]


def test_a_state_that_is_rounded_draws_something_else():
    found = failures("lossy-state", ["state"])
    assert "the networks answer differently" in found["state"]


def test_a_gradient_that_is_no_number_is_named():
    found = failures("slopeless", ["gradients"])
    assert "the gradient of generator.extra holds NaN or infinity in step 0" in found["gradients"]


@pytest.mark.parametrize("objective", ["hinge", "wasserstein"])
def test_a_bias_that_a_loss_cannot_feel_is_none_without_a_gradient(objective):
    """It moves the logits of real and fake images alike."""
    assert failures("good", ["gradients"], objective=objective) == {}
    assert "only zeros" in failures("zeros", ["gradients"], objective=objective)["gradients"]


def test_a_network_that_no_phase_updates_is_named():
    found = failures("never-updated", ["learning", "presets", "gradients"])
    assert "no phase updates the generator" in found["learning"]
    assert "no phase updates the generator" in found["presets"]
    assert "generator.hidden.weight (8×4): none" in found["gradients"]


def test_resume_alone_tells_the_same():
    assert "stopped after 2, and zoo resume" in failures("counting", ["resume"])["resume"]
    (outcome,) = zoo.testing.check("dicey", only=["resume"])
    assert (outcome.state, "see the check 'seed'" in outcome.reason) == ("skipped", True)


@pytest.mark.parametrize("size", [1, 2])
def test_labels_that_begin_at_zero_all_learn_however_small_the_batch(size):
    assert failures("zero-embeddings", ["labels"], batch_size=size) == {}
    assert failures("zero-embeddings", ["labels"], batch_size=size, reuse_fakes=True) == {}
    assert "labels" in failures("blind-discriminator", ["labels"], batch_size=size)


def test_resume_is_skipped_where_some_phase_would_not_run_before_and_after_the_stop():
    (outcome,) = zoo.testing.check("lazier", only=["resume"])
    assert outcome.state == "skipped"
    assert (
        "at intervals that 8 steps before the stop and as many after do not hold; give more --steps" in outcome.reason
    )
    (outcome,) = zoo.testing.check("lazy", only=["resume"], steps=20)
    assert outcome.state == "skipped"


def test_no_phases_are_told_as_the_engine_tells_it():
    found = failures("no-phases")
    assert list(found) == ["presets"]
    assert "phases() of 'no-phases' returned []; return one zoo.Phase or more" in found["presets"]


CASCADES = {
    # toy: (the check that tells it whole, what the message has to tell)
    "pair": ("shapes", "found: the forward() of the generator returns a tuple", "to do: return one tensor"),
    "forgetting": ("shapes", "found: the forward() of the discriminator returns None", "to do: return one tensor"),
    "flat": ("shapes", "the generator makes (8, 64), where (8, 1, 8, 8) is asked for"),
    "narrow": ("shapes", "the discriminator fails for input of shape (8, 1, 8, 8): ", "broken_toys.py:"),
    "frozen": ("shapes", "the generator of 'frozen' has no parameter that requires a gradient"),
    "no-module": ("shapes", "generator() returned NoneType, not a torch.nn.Module"),
    "worded": ("presets", "phases() of 'worded' returned ['discriminator', 'generator']; return one zoo.Phase or more"),
}


@pytest.mark.parametrize("name", CASCADES)
def test_what_cannot_be_built_is_told_once(name):
    check, *told = CASCADES[name]
    outcomes = {outcome.check: outcome for outcome in zoo.testing.check(name, size=8)}
    assert [other for other, outcome in outcomes.items() if outcome.failure] == [check]
    message = str(outcomes[check])
    assert [text for text in told if text not in message] == [], message
    # Labels and ops may have a reason of their own besides, and compiled too: no labels, no kernels, no compiler.
    what = "the networks" if check == "shapes" else "the phases and the objective"
    for other in ("gradients", "learning", "batch", "bfloat16", "state", "seed", "resume"):
        assert outcomes[other].reason == f"{what} cannot be built: see {check!r}"


def test_an_error_in_a_step_says_which_network_it_was():
    message = failures("one-by-one", ["gradients"])["gradients"]
    assert "found: the discriminator fails: IndexError: too many" in message
    assert "broken_toys.py:" in message


def test_what_is_given_names_the_preset_that_was_looked_at_alone():
    message = failures("unbuildable", ["presets"], preset="quick", latent=5)["presets"]
    (given,) = [line for line in message.splitlines() if line.startswith("  given: ")]
    assert given.endswith("preset 'large'; latent=5")


def test_not_a_number_is_told_by_what_it_concerns_and_is_itself_in_a_state():
    found = failures("undefined", ["shapes", "gradients", "state", "ops"])
    assert list(found) == ["shapes", "gradients"]


def test_advice_on_small_batches_and_half_precision_is_given_where_ordinary_steps_work():
    for message in failures("raising", ["batch", "bfloat16"]).values():
        assert (
            "an ordinary step fails already: AttributeError: 'PhaseContext' object has no attribute 'objectives'"
            in message
        )
        assert "to do: mend that first; zoo check raising --only gradients" in message
        assert "a batch of 8" in message
        assert "smallest_batch to" not in message


def test_a_run_that_failed_is_not_in_the_way_of_the_next():
    found = failures("raising", ["seed", "resume"])
    assert set(found) == {"seed", "resume"}
    assert "not empty" not in found["resume"]
    assert "'PhaseContext' object has no attribute 'objectives'" in found["resume"]


def test_the_runs_of_the_kit_are_its_own_and_nobody_elses_to_watch():
    zoo.testing.check("good", only=["seed", "resume"])
    assert sys.modules["broken_toys"].WATCHED == []


# ---- whose mistake it is


def full(*arguments, **keywords):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "somewhere")


def test_a_full_disk_is_no_failed_check(monkeypatch):
    monkeypatch.setattr("zoo.run.checkpoint.write_checkpoint", full)
    with pytest.raises(RunError, match=r"this machine failed, not the architecture: .*somewhere.*TMPDIR"):
        zoo.testing.check("good", only=["state"])


@pytest.mark.parametrize("place", ["zoo.engine.loop.write_checkpoint", "zoo.testing.data.write_images"])
def test_a_disk_that_is_full_elsewhere_is_none_either(monkeypatch, cli, place):
    monkeypatch.setattr(place, full)
    outcome = cli("check", "good", "--only", "seed")
    assert outcome.code == 2
    assert "this machine failed, not the architecture" in outcome.err


def test_what_zoo_says_of_a_full_disk_is_no_failed_check_either(monkeypatch):
    def write(*arguments):
        with zoo.run.files.writing(Path("there")):
            full()

    monkeypatch.setattr("zoo.run.checkpoint.write_checkpoint", write)
    with pytest.raises(RunError, match="this machine failed, not the architecture: "):
        zoo.testing.check("good", only=["state"])


def test_a_file_that_the_plugin_does_not_find_is_its_own_mistake():
    message = failures("forgot-a-file", ["shapes"])["shapes"]
    assert "FileNotFoundError" in message
    assert "broken_toys.py:" in message


def test_a_run_that_diverges_is_no_fault_of_the_machine():
    assert "seed" in failures("good", ["seed"], learning_rate=1e38, optimizer="sgd")


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory: tried to allocate 2 GiB")], ids=str)
@pytest.mark.parametrize("check", ["ops", "batch", "compiled"])
def test_too_little_memory_is_no_failed_check(monkeypatch, check, error):
    def run(*arguments):
        raise error

    monkeypatch.setattr("zoo.system.compiling.obstacle", lambda: None)
    monkeypatch.setattr("zoo.testing.repeated_step.RepeatedStep.run", run)
    monkeypatch.setattr("zoo.ops.status", lambda: {"an_op": {"cpu": {"served_by": "native"}}})
    with pytest.raises(RunError, match="not enough memory; smaller networks will do"):
        zoo.testing.check("good", only=[check])


def test_a_preset_that_does_not_fit_is_the_authors_mistake(cli):
    told = r"the preset 'quick' of 'bad-default' does not fit its own options: unknown option 'step'"
    for asked in ({}, {"preset": "quick"}):
        with pytest.raises(PluginError, match=told):
            zoo.testing.check("bad-default", **asked)
    outcome = cli("check", "bad-default")
    assert outcome.code == 2
    assert "does not fit its own options" in outcome.message
    assert list(failures("bad-default", ["presets", "documented"], preset="slow")) == ["presets"]


def test_values_that_the_kit_has_chosen_are_told_as_such(cli):
    outcome = cli("check", "patient", "--only", "seed")
    assert outcome.code == 2
    assert "patient does not take the small values that zoo check chooses (--steps 4 --batch-size 8" in outcome.message
    assert "steps: a hundred or more" in outcome.message
    outcome = cli("check", "patient", "--only", "documented", "presets", "--steps", 100, "--skip")
    assert (outcome.code, outcome.err) == (0, "")


def test_what_a_plugin_raises_is_named_by_its_file_and_line():
    message = failures("raising", ["learning"])["learning"]
    assert "AttributeError: 'PhaseContext' object has no attribute 'objectives' (" in message
    assert "broken_toys.py:" in message


def test_a_failed_check_says_how_to_run_it_again():
    message = failures("detached", ["gradients"], preset="quick", latent=5, joined=True)["gradients"]
    assert "preset quick; latent=5, joined=True" in message
    assert "again: zoo check detached --only gradients --preset quick --latent 5 --joined" in message


def test_a_check_may_run_twice():
    from zoo.testing.subject import Subject

    with Subject("good") as subject:
        twice = [CHECKS[name].run(subject).state for name in ("state", "resume") * 2]
    assert twice == ["passed"] * 4


def test_sizes_and_channels_that_are_given_are_the_only_ones():
    assert failures("wrong-shape", ["shapes"], size=8) == {}
    assert failures("not-a-number", ["shapes"], channels=1) == {}


def test_it_leaves_the_random_numbers_and_the_cache_as_they_were(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    torch.manual_seed(5)
    before = torch.get_rng_state()
    zoo.testing.check("good", only=["learning", "resume"])
    assert torch.equal(torch.get_rng_state(), before)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (dict(only=["shape"]), "unknown check 'shape'; did you mean 'shapes'?"),
        (dict(without=["compile"]), "unknown check 'compile'; did you mean 'compiled'?"),
        (dict(only=["seed"], without=["seed"]), "no check is left to run"),
        (dict(data="digits"), "zoo check chooses --data itself; leave it out"),
        (dict(widht=2), "unknown option 'widht'"),
        (dict(batch_size=0), "--batch-size: 0 does not fit"),
        (dict(device="cuda:99"), "--device cuda:99: torch .* finds none here; devices here: "),
        (dict(objective="hing"), "unknown --objective 'hing'; did you mean 'hinge'?"),
    ],
    ids=str,
)
def test_what_the_caller_gets_wrong_is_an_option_error(arguments, told):
    with pytest.raises(OptionError, match=told.replace("?", r"\?")):
        zoo.testing.check("good", **arguments)


def test_one_check_may_be_given_as_it_is():
    assert [outcome.check for outcome in zoo.testing.check("good", only="documented")] == ["documented"]
    assert "labels" not in [check.name for check in zoo.testing.kit.select(without="labels")]


def test_what_is_no_name_is_an_option_error():
    with pytest.raises(OptionError, match=r'give the name of an architecture, as in "my-gan".*; given 5'):
        zoo.testing.check(5)


def test_an_objective_that_only_a_preset_names_is_the_authors_mistake():
    assert "unknown --objective 'nope'" in failures("misplayed", ["presets"])["presets"]


def test_an_architecture_that_is_not_there_is_a_plugin_error():
    with pytest.raises(PluginError, match=r"unknown architecture 'goods'; did you mean 'good'\?"):
        zoo.testing.check("goods")


# ---- the command


def test_the_command_has_a_line_for_each_check_and_tells_of_those_that_failed_whole(cli):
    outcome = cli("check", "detached", "--only", "gradients", "labels", "shapes")
    assert outcome.code == 1
    rows = [line.split()[:2] for line in outcome.out.splitlines() if line.startswith(("passed", "failed"))]
    assert rows == [["passed", "shapes"], ["failed", "gradients"]]
    assert "skipped  labels" in outcome.out
    assert "detached fails the check 'gradients': Within a few steps" in outcome.out
    assert "1 passed, 1 failed, 1 skipped, in" in outcome.out


def test_the_summary_has_each_state_that_came_up(cli):
    outcome = cli("check", "good", "--only", "documented", "labels")
    assert outcome.code == 0, "a check that is skipped is no failure"
    assert "1 passed, 1 skipped, in" in outcome.out
    assert "failed" not in outcome.out


def test_the_command_is_content_where_nothing_fails(cli):
    outcome = cli("check", "good", "--without", "compiled", "seed", "resume", "--latent", "3")
    assert (outcome.code, outcome.err) == (0, "")
    assert "fails" not in outcome.out


def test_the_deprecated_flag_works_and_says_what_it_is_called_now(cli):
    outcome = cli("check", "good", "--promise", "documented")
    assert (outcome.code, outcome.err) == (0, "zoo: --promise is deprecated; it is called --only now\n")
    assert "1 passed" in outcome.out
    outcome = cli("check", "good", "--json", "--promise=documented")
    assert (outcome.code, outcome.err) == (0, "zoo: --promise is deprecated; it is called --only now\n")
    assert [each["check"] for each in json.loads(outcome.out)["checks"]] == ["documented"]


@pytest.mark.parametrize("old", ["PROMISES", "Promise", "BrokenPromise", "NotChecked"])
def test_a_deprecated_name_is_the_new_one_and_says_so(old):
    new = RENAMED[f"zoo.testing.{old}"].removeprefix("zoo.testing.")
    with pytest.warns(DeprecationWarning, match=rf"zoo\.testing\.{old} is called zoo\.testing\.{new} since"):
        assert getattr(zoo.testing, old) is getattr(zoo.testing, new)


def test_the_deprecated_attributes_of_an_outcome_are_the_new_ones_and_say_so():
    (outcome,) = zoo.testing.check("detached", only=["gradients"])
    with pytest.warns(DeprecationWarning, match=r"Outcome\.promise is called Outcome\.check since") as told:
        assert outcome.promise == "gradients"
    assert told[0].filename == __file__, "the line that uses it"
    with pytest.warns(DeprecationWarning, match=r"Outcome\.broken is called Outcome\.failure since"):
        assert outcome.broken is outcome.failure is not None


def test_the_deprecated_argument_chooses_the_same_checks():
    with pytest.warns(DeprecationWarning, match="only="):
        (outcome,) = zoo.testing.check("good", promises=["documented"])
    assert (outcome.check, outcome.state) == ("documented", "passed")


def test_the_command_tells_the_same_as_json(cli):
    outcome = cli("check", "detached", "--preset", "quick", "--only", "gradients", "labels", "--json")
    assert outcome.code == 1
    told = json.loads(outcome.out)
    assert (told["architecture"], told["preset"], told["options"]["batch_size"]) == ("detached", "quick", 8)
    first, second = told["checks"]
    assert (first["check"], first["state"]) == ("gradients", "failed")
    assert "generator.hidden.weight" in first["found"]
    assert first["again"].startswith("zoo check detached --only gradients")
    assert (second["check"], second["state"], second["reason"]) == ("labels", "skipped", "it is not conditional")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["goood"], "unknown architecture 'goood'; did you mean 'good'?"),
        (["good", "--only", "learn"], "unknown check 'learn'; did you mean 'learning'?"),
        (["--preset", "quick"], "zoo check takes the architecture's name first"),
        (["good", "--preset", "quik"], "unknown preset of good 'quik'; did you mean 'quick'?"),
        (["good", "--data", "digits"], "zoo check chooses --data itself; leave it out"),
        (["good", "--no-each-epoch"], "zoo check chooses --each-epoch itself; leave it out"),
        (["good", "--only"], "give the names of checks after --only: documented, presets, "),
        (["good", "--without", "--steps", "2"], "give the names of checks after --without"),
        (["good", "--device", "cuda:99"], "--device cuda:99"),
        (["good", "--objective", "nope"], "unknown --objective 'nope'"),
        (["good", "--batch-size", "0"], "--batch-size: 0 does not fit"),
    ],
    ids=str,
)
def test_a_mistake_of_the_callers_is_exit_code_2(cli, arguments, told):
    outcome = cli("check", *arguments)
    assert outcome.code == 2
    assert told in outcome.message


def test_help_lists_every_check(cli):
    outcome = cli("check", "--help")
    assert outcome.code == 0
    assert [name for name, check in CHECKS.items() if f"{name} " not in outcome.out] == []
    assert [check.sentence for check in CHECKS.values() if check.sentence not in outcome.out] == []


def test_a_check_is_one_sentence():
    for check in CHECKS.values():
        assert check.sentence.endswith(".")
        assert "\n" not in check.sentence
