"""One training step: which network learns from what, and what is never computed."""

from __future__ import annotations

import gc
from collections import Counter

import pytest
import torch
from torch import nn
from torch.nn.functional import softplus
from toy_step import CPU, LATENT, Feed, build, discriminator, generator, same, weights

import zoo
from zoo.architecture import Phase
from zoo.engine.runtime.precision import Precision
from zoo.engine.step import constant
from zoo.generate.latent.latents import Latents

ROLES = ("discriminator", "generator")


# ---- no gradient that nobody uses


@pytest.fixture
def gradients():
    """Counts, by network, each time that autograd computes a gradient of one of its parameters."""

    def watch(step) -> Counter:
        counts = Counter()
        for role in ROLES:
            for parameter in getattr(step, role).parameters():
                parameter.register_hook(lambda gradient, role=role: counts.update([role]))
        return counts

    return watch


@pytest.mark.parametrize("reuse_fakes", [False, True])
@pytest.mark.parametrize("joined", [False, True])
def test_every_gradient_is_computed_once_and_only_for_the_network_that_learns(gradients, reuse_fakes, joined):
    step = build(reuse_fakes=reuse_fakes, joined=joined)
    counts = gradients(step)
    step.run(0)
    assert counts == {"discriminator": 4, "generator": 2}, "once for each of D's four parameters and G's two"


@pytest.mark.parametrize("learns", ROLES)
def test_a_phase_leaves_no_gradient_in_the_other_network(gradients, learns):
    step = build([Phase(learns)])
    counts = gradients(step)
    step.run(0)
    assert set(counts) == {learns}
    other = ROLES[1 - ROLES.index(learns)]
    assert all(parameter.grad is not None for parameter in getattr(step, learns).parameters())
    assert all(parameter.grad is None for parameter in getattr(step, other).parameters())


@pytest.mark.parametrize("learns", ROLES)
def test_a_phase_changes_only_its_own_network(learns):
    step = build([Phase(learns)])
    before = {role: weights(getattr(step, role)) for role in ROLES}
    step.run(0)
    assert {role: same(before[role], getattr(step, role)) for role in ROLES} == {role: role != learns for role in ROLES}


def test_the_discriminators_turn_draws_fakes_without_a_graph():
    graphs = []

    def loss(turn: zoo.StepContext):
        assert isinstance(turn, zoo.StepContext)
        graphs.append(turn.fakes.images.requires_grad)
        return turn.discriminate(turn.fakes.images).mean()

    build([Phase("discriminator", loss=loss), Phase("generator", loss=loss)]).run(0)
    assert graphs == [False, True]


def test_the_discriminators_gradients_are_left_alone_in_the_generators_turn():
    step = build()
    step.phases = [step.phases[0]]
    step.run(0)
    seen = [parameter.grad.clone() for parameter in step.discriminator.parameters()]
    step.phases = [Phase("generator")]
    step.run(1)
    assert all(torch.equal(old, p.grad) for old, p in zip(seen, step.discriminator.parameters(), strict=True))


def test_gradients_do_not_pile_up_from_step_to_step():
    """Each update has its own gradients: one with a rate of nothing leaves the next as if it had not been."""
    once, twice = build(learning_rate=1e-30), build(learning_rate=1e-30)
    once.draw.count = 1
    twice.run(0)
    once.latents.draw(16)  # what the step before has used: eight latents for each turn
    once.run(1)
    twice.run(1)
    for a, b in zip(once.discriminator.parameters(), twice.discriminator.parameters(), strict=True):
        assert torch.equal(a.grad, b.grad)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_weight_that_is_frozen_between_steps_stays_where_it_is(optimizer):
    step = build(optimizer=optimizer)
    step.run(0)
    frozen = step.discriminator[1].weight.requires_grad_(False)
    before = frozen.clone()
    step.run(1)
    assert torch.equal(frozen, before)


def test_fakes_that_were_first_looked_at_without_gradients_still_carry_them():
    def looking(turn):
        with torch.no_grad():
            assert turn.fakes.images.isfinite().all()
        return turn.default_loss()

    step = build([Phase("discriminator", loss=looking), Phase("generator", loss=lambda t: t.discriminate(t.fakes.images).mean())],
                 reuse_fakes=True)  # fmt: skip
    before = weights(step.generator)
    step.run(0)
    assert not same(before, step.generator)


def test_a_constant_network_lets_gradients_through_and_takes_none():
    network, x = nn.Linear(2, 1), torch.ones(3, 2, requires_grad=True)
    network.bias.requires_grad_(False)
    with constant(network):
        network(x).sum().backward()
    assert x.grad is not None
    assert network.weight.grad is None
    assert (network.weight.requires_grad, network.bias.requires_grad) == (True, False), "as it was before"


def test_a_constant_network_learns_again_after_an_error():
    network = nn.Linear(2, 1)
    with pytest.raises(ZeroDivisionError), constant(network):
        raise ZeroDivisionError
    assert all(parameter.requires_grad for parameter in network.parameters())


# ---- against plain torch, by hand


def by_hand(
    steps: int, *, joined: bool = False, reuse: bool = False, d_steps: int = 1, g_batch: int = 8, together: bool = False
):
    """The non-saturating game with plain SGD, written out. Returns both networks."""
    torch.manual_seed(0)
    g, d = generator(), discriminator()
    feed, latents = Feed(8), Latents(7, LATENT)

    def descend(network, loss, gradients=None):
        gradients = gradients or torch.autograd.grad(loss, list(network.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(network.parameters(), gradients, strict=True):
                parameter -= 0.1 * gradient

    for _ in range(steps):
        for _ in range(d_steps):
            real, noise = feed().images, latents.draw(8)
            fake = g(noise).detach()
            loss = softplus(-d(real)).mean() + softplus(d(fake)).mean()
            if together:  # both gradients from the weights as they are
                to_g = torch.autograd.grad(softplus(-d(g(noise))).mean(), list(g.parameters()))
            descend(d, loss / 2 if joined else loss)
        if together:
            descend(g, None, to_g)
        else:
            descend(g, softplus(-d(g(noise if reuse else latents.draw(g_batch)))).mean())
    return g, d


def assert_like(step, g, d):
    for ours, theirs in ((step.generator, g), (step.discriminator, d)):
        for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "hand"),
    [
        (dict(), dict()),
        (dict(joined=True), dict(joined=True)),
        (dict(reuse_fakes=True), dict(reuse=True)),
        (dict(joined=True, reuse_fakes=True), dict(joined=True, reuse=True)),
        (dict(simultaneous=True), dict(together=True)),
        (dict(simultaneous=True, discriminator_steps=2), dict(together=True, d_steps=2)),
        (dict(discriminator_steps=3), dict(d_steps=3)),
        (dict(discriminator_steps=2, reuse_fakes=True), dict(d_steps=2, reuse=True)),
        (dict(generator_batch_size=5), dict(g_batch=5)),
    ],
    ids=str,
)
def test_three_steps_are_what_plain_torch_gives(options, hand):
    step = build(**options)
    for number in range(3):
        step.run(number)
    assert_like(step, *by_hand(3, **hand))


# ---- fakes drawn in evaluation mode


def normalised() -> nn.Module:
    """A generator with running statistics that are far from those of a batch, and a part that is never to train."""
    torch.manual_seed(1)
    still = nn.Dropout(0.9).eval()
    network = nn.Sequential(nn.Linear(LATENT, 6), nn.BatchNorm1d(6, momentum=0.5), still, nn.Unflatten(1, (1, 2, 3)))
    with torch.no_grad():
        network[1].running_mean.fill_(3.0)
        network[1].running_var.fill_(7.0)
    return network


def fakes_judged(step, role: str) -> list[torch.Tensor]:
    """What the discriminator is shown of fakes in each network's turn."""
    seen = []

    def loss(turn):
        seen.append(turn.fakes.images.detach().clone())
        return turn.discriminate(turn.fakes.images).mean()

    step.phases = [Phase(role, loss=loss)]
    step.run(0)
    return seen


def test_fakes_of_the_discriminators_turn_are_drawn_from_running_statistics_which_stay():
    step = build(networks=(normalised(), discriminator()), evaluate_fakes=True)
    expected = normalised()
    expected.load_state_dict(step.generator.state_dict())
    before = {name: value.clone() for name, value in step.generator.state_dict().items()}
    (fakes,) = fakes_judged(step, "discriminator")
    assert torch.equal(fakes, expected.eval()(Latents(7, LATENT).draw(8)))
    assert all(torch.equal(value, before[name]) for name, value in step.generator.state_dict().items())


def test_fakes_of_the_generators_turn_are_drawn_in_training_mode_all_the_same():
    found = [
        fakes_judged(build(networks=(normalised(), discriminator()), evaluate_fakes=asked), "generator")
        for asked in (False, True)
    ]
    assert torch.equal(found[0][0], found[1][0])
    step = build(networks=(normalised(), discriminator()), evaluate_fakes=True)
    step.run(0)
    assert int(step.generator[1].num_batches_tracked) == 1, "once, in G's turn"


def test_the_generator_comes_back_in_the_mode_of_each_of_its_parts():
    step = build(networks=(normalised(), discriminator()), evaluate_fakes=True)
    modes = [module.training for module in step.generator.modules()]
    assert (True in modes, False in modes) == (True, True)
    step.run(0)
    assert [module.training for module in step.generator.modules()] == modes


def test_fakes_in_evaluation_mode_cannot_be_reused():
    with pytest.raises(ValueError, match=r"reuse_fakes excludes evaluate_fakes.*--no-reuse-fakes"):
        build(evaluate_fakes=True, reuse_fakes=True)


@pytest.mark.parametrize("joined", [False, True])
def test_a_generator_without_statistics_learns_the_same_either_way(joined):
    """It has nothing that evaluation mode changes."""
    ours, theirs = build(evaluate_fakes=True, joined=joined), build(joined=joined)
    for number in range(2):
        ours.run(number)
        theirs.run(number)
    assert same(weights(ours.generator), theirs.generator)
    assert same(weights(ours.discriminator), theirs.discriminator)


def test_the_options_make_a_difference_to_the_hand_written_game():
    """Else the comparison above would show nothing."""
    plain = weights(by_hand(3)[1])
    for hand in (dict(joined=True), dict(reuse=True), dict(d_steps=3), dict(g_batch=5)):
        assert not same(plain, by_hand(3, **hand)[1]), hand


def count_calls(network: nn.Module) -> list[int]:
    """The size of every batch that the network is given."""
    sizes = []
    network.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    return sizes


@pytest.mark.parametrize(
    ("options", "of_g", "of_d"),
    [
        (dict(), [8, 8], [8, 8, 8]),
        (dict(reuse_fakes=True), [8], [8, 8, 8]),
        (dict(joined=True), [8, 8], [16, 8]),
        (dict(joined=True, reuse_fakes=True), [8], [16, 8]),
        (dict(simultaneous=True), [8], [8, 8]),
        (dict(simultaneous=True, accumulate=2), [8, 8], [8, 8, 8, 8]),
        (dict(generator_batch_size=5), [8, 5], [8, 8, 5]),
        (dict(accumulate=2), [8, 8, 8, 8], [8, 8, 8, 8, 8, 8]),
        (dict(accumulate=2, reuse_fakes=True), [8, 8], [8, 8, 8, 8, 8, 8]),
        (dict(discriminator_steps=2, reuse_fakes=True), [8, 8], [8, 8, 8, 8, 8]),
    ],
    ids=str,
)
def test_no_network_runs_more_often_than_it_must(options, of_g, of_d):
    step = build(**options)
    g, d = count_calls(step.generator), count_calls(step.discriminator)
    step.run(0)
    assert (g, d) == (of_g, of_d)


@pytest.mark.parametrize("reuse_fakes", [False, True])
@pytest.mark.parametrize("joined", [False, True])
def test_accumulated_small_batches_equal_one_big_batch(reuse_fakes, joined):
    """For networks without batch normalisation."""
    # uniform latents come from the stream one by one: two draws of 8 are one of 16
    common = dict(latent_distribution="uniform", reuse_fakes=reuse_fakes, joined=joined)
    small, big = build(batch_size=8, accumulate=2, **common), build(batch_size=16, **common)
    for number in range(3):
        ours, theirs = small.run(number), big.run(number)
        torch.testing.assert_close(ours["d_loss"], theirs["d_loss"])
        torch.testing.assert_close(ours["g_loss"], theirs["g_loss"])
    assert_like(small, big.generator, big.discriminator)


def test_joined_batches_share_one_pass_of_batch_normalisation():
    step = build(joined=True, networks=(generator(), nn.Sequential(nn.Flatten(), nn.BatchNorm1d(6), nn.Linear(6, 1))))
    step.phases = step.phases[:1]
    step.run(0)
    assert int(step.discriminator[1].num_batches_tracked) == 1


# ---- phases


def test_phases_run_in_their_order_at_the_steps_they_are_due():
    runs = []

    def note(name):
        def loss(turn):
            runs.append((turn.number, name))
            return turn.discriminate(turn.fakes.images).mean()

        return loss

    step = build([
        Phase("discriminator", loss=note("always")),
        Phase("discriminator", loss=note("third"), every=3, offset=1),
        Phase("generator", loss=note("other"), every=2),
    ])  # fmt: skip
    for number in range(5):
        step.run(number)
    assert runs == [
        (0, "always"), (0, "other"), (1, "always"), (1, "third"), (2, "always"), (2, "other"), (3, "always"),
        (4, "always"), (4, "third"), (4, "other"),
    ]  # fmt: skip


@pytest.mark.parametrize(("threshold", "still"), [(1e9, True), (-1e9, False), (None, False)])
def test_a_network_is_left_as_it_is_while_its_loss_is_not_above_the_threshold(threshold, still):
    step = build([Phase("discriminator", skip_below=threshold), Phase("generator")])
    before = {role: weights(getattr(step, role)) for role in ROLES}
    statistics = step.run(0)
    assert same(before["discriminator"], step.discriminator) is still
    assert not same(before["generator"], step.generator)
    assert "d_loss" in statistics


def test_a_loss_of_ones_own_may_be_a_tensor_or_come_with_statistics():
    def bare(turn):
        return turn.discriminate(turn.real).square().mean()

    def told(turn):
        logits = turn.discriminate(turn.fakes.images)
        return logits.mean(), {"mine": logits.max().detach()}

    statistics = build([Phase("discriminator", loss=bare), Phase("generator", loss=told)]).run(0)
    assert statistics.keys() == {"d_loss", "g_loss", "mine"}


@pytest.mark.parametrize("options", [{}, dict(joined=True), dict(r1=0.5, r1_every=2), dict(accumulate=2)])
def test_a_loss_of_ones_own_may_begin_with_the_usual_one_and_all_that_options_add_to_it(options):
    plain = build(**options)
    own = [Phase(role, loss=lambda turn: turn.default_loss()) for role in ("discriminator", "generator")]
    written = build(own, **options)
    for number in range(3):
        assert written.run(number) == plain.run(number)
    assert same(weights(plain.discriminator), written.discriminator)
    assert same(weights(plain.generator), written.generator)


def test_statistics_carry_no_graph():
    statistics = build().run(0)
    assert statistics.keys() == {"d_real", "d_fake", "d_loss", "g_loss"}
    assert not any(value.requires_grad for value in statistics.values())


def test_an_objective_of_ones_own_needs_only_its_two_methods():
    class Means:
        def discriminator_loss(self, real, fake, *, scale):
            return scale * (fake.mean() - real.mean()), torch.stack([real.mean(), fake.mean()]).detach()

        def generator_loss(self, fake, *, scale):
            return scale * -fake.mean(), fake.mean().detach()

    ours, theirs = build(objective=Means()), build(objective="wasserstein")
    for number in range(2):
        ours.run(number)
        theirs.run(number)
    assert_like(ours, theirs.generator, theirs.discriminator)


def test_the_data_is_drawn_only_by_who_looks_at_it():
    step = build()
    for number in range(3):
        step.run(number)
    assert step.draw.count == 3, "one batch a step, none for the generator"


def test_a_logit_of_any_shape_is_one_for_each_image():
    flat = build(networks=(generator(), nn.Sequential(discriminator(), nn.Flatten(0))))
    column = build(networks=(generator(), nn.Sequential(discriminator())))
    column.discriminator.load_state_dict(flat.discriminator.state_dict())
    column.generator.load_state_dict(flat.generator.state_dict())
    assert torch.equal(flat.run(0)["g_loss"], column.run(0)["g_loss"])


# ---- memory


def tensors_alive() -> int:
    gc.collect()
    return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())


@pytest.mark.parametrize("options", [dict(), dict(reuse_fakes=True, accumulate=2), dict(optimizer="adam")], ids=str)
def test_steps_leave_no_tensor_behind(options):
    step = build(**options)
    step.run(0)
    before = tensors_alive()
    for number in range(1, 12):
        step.run(number)
    assert tensors_alive() == before


# ---- precision


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_a_step_in_half_precision_trains_float32_weights(precision):
    types = []

    class Spy(nn.Module):
        def forward(self, x):
            types.append(x.dtype)
            return x

    step = build(precision=precision, networks=(generator(), nn.Sequential(discriminator(), Spy())))
    before = {role: weights(getattr(step, role)) for role in ROLES}
    statistics = step.run(0)
    assert set(types) == {getattr(torch, precision)}, "the passes run in it"
    assert all(bool(torch.isfinite(value)) for value in statistics.values())
    for role in ROLES:
        assert not same(before[role], getattr(step, role))
        assert all(parameter.dtype == torch.float32 for parameter in getattr(step, role).parameters())


def test_half_precision_learns_nearly_what_float32_does():
    exact = build()
    exact.run(0)
    for precision in ("bfloat16", "float16"):
        step = build(precision=precision)
        step.run(0)
        for ours, theirs in zip(step.discriminator.parameters(), exact.discriminator.parameters(), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0.05, atol=0.02)


def test_float16_leaves_an_update_out_whose_gradients_overflow_and_lowers_its_scale():
    network = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    precision = Precision("float16", CPU)
    before = weights(network)
    precision.backward(network(torch.full((1, 2), 1e38)).sum(), list(network.parameters()))
    scale = precision.state_dict()["scale"]
    precision.update(optimizer)
    assert same(before, network)
    optimizer.zero_grad()
    precision.backward(network(torch.ones(1, 2)).sum(), list(network.parameters()))
    precision.update(optimizer)
    assert not same(before, network)
    assert precision.state_dict()["scale"] == scale / 2
    again = Precision("float16", CPU)
    again.load_state_dict(precision.state_dict())
    assert again.state_dict() == precision.state_dict()


def test_float32_has_no_scale_to_keep():
    assert Precision("float32", CPU).state_dict() == {}


# ---- R1


def test_r1_weighs_the_squared_slope_of_d_at_real_images_at_its_interval():
    plain, penalised = build(r1=0.0), build(r1=0.5, r1_every=2)
    slopes = []

    def loss(turn):
        real = turn.batch.images.requires_grad_()
        (slope,) = torch.autograd.grad(turn.discriminate(real).sum(), real, create_graph=True)
        slopes.append(slope.detach().square().flatten(1).sum(1).mean())
        return 0.0 * slope.sum()

    probe = build([Phase("discriminator", loss=loss)])
    probe.run(0)
    found, without = penalised.run(0), plain.run(0)
    torch.testing.assert_close(found["r1"], 0.5 * 2 / 2 * slopes[0])
    torch.testing.assert_close(found["d_loss"], without["d_loss"] + found["r1"])
    assert torch.equal(penalised.run(1)["r1"], found["r1"]), "as of the last step that had one"
    assert not torch.equal(penalised.run(2)["r1"], found["r1"])


@pytest.mark.parametrize("joined", [False, True])
def test_r1_computes_no_gradient_of_the_data(joined):
    step = build(r1=1.0, r1_every=1, joined=joined)
    batches, draw = [], step.draw
    step.draw = lambda: batches.append(draw()) or batches[-1]
    step.run(0)
    assert batches[0].images.grad is None
