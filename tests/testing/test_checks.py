"""Each check of the kit fails for a toy made for it, and passes for one that behaves; the message tells which and why."""

from __future__ import annotations

import sys

import pytest
import torch
from failing import failures

import zoo.testing
from zoo.ops import references
from zoo.testing import CHECKS
from zoo.testing.subject import Subject

pytestmark = pytest.mark.usefixtures("toys")

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
    for penalty in ("r1", "r2"):
        (outcome,) = zoo.testing.check("good", only=["compiled"], **{penalty: 1.0})
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
            "an ordinary step fails already: AttributeError: 'StepContext' object has no attribute 'objectives'"
            in message
        )
        assert "to do: mend that first; zoo check raising --only gradients" in message
        assert "a batch of 8" in message
        assert "smallest_batch to" not in message


def test_a_run_that_failed_is_not_in_the_way_of_the_next():
    found = failures("raising", ["seed", "resume"])
    assert set(found) == {"seed", "resume"}
    assert "not empty" not in found["resume"]
    assert "'StepContext' object has no attribute 'objectives'" in found["resume"]


def test_the_runs_of_the_kit_are_its_own_and_nobody_elses_to_watch():
    zoo.testing.check("good", only=["seed", "resume"])
    assert sys.modules["broken_toys"].WATCHED == []


def test_a_failed_check_says_how_to_run_it_again():
    message = failures("detached", ["gradients"], preset="quick", latent=5, joined=True)["gradients"]
    assert "preset quick; latent=5, joined=True" in message
    assert "again: zoo check detached --only gradients --preset quick --latent 5 --joined" in message


def test_a_check_may_run_twice():
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


def test_one_check_may_be_given_as_it_is():
    assert [outcome.check for outcome in zoo.testing.check("good", only="documented")] == ["documented"]
    assert "labels" not in [check.name for check in zoo.testing.kit.select(without="labels")]


def test_a_check_is_one_sentence():
    for check in CHECKS.values():
        assert check.sentence.endswith(".")
        assert "\n" not in check.sentence
