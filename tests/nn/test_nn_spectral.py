"""Spectral normalisation against the paper's algorithm, and what a training asks of it."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

import zoo.nn
from zoo.engine.ema import EMA
from zoo.engine.freezing import layers_of

LAYERS = {
    "Conv2dAct": (lambda: zoo.nn.Conv2dAct(3, 5, 3, 2, 1, activation="leaky_relu", slope=0.1), (2, 3, 8, 8)),
    "ConvTranspose2dAct": (lambda: zoo.nn.ConvTranspose2dAct(3, 5, 4, 2, 1, activation="relu"), (2, 3, 4, 4)),
    "Conv2dSame": (lambda: zoo.nn.Conv2dSame(3, 5, 3, 2), (2, 3, 8, 8)),
    "ConvTranspose2dSame": (lambda: zoo.nn.ConvTranspose2dSame(3, 5, 5, 2), (2, 3, 4, 4)),
    "LinearAct": (lambda: zoo.nn.LinearAct(6, 4, activation="tanh"), (3, 6)),
    "Conv2d": (lambda: nn.Conv2d(3, 5, 3), (2, 3, 8, 8)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(3, 5, 3), (2, 3, 4, 4)),
    "Linear": (lambda: nn.Linear(6, 4), (3, 6)),
    "Embedding": (lambda: nn.Embedding(6, 4), None),
}
each = pytest.mark.parametrize("kind", LAYERS)


def made(kind: str) -> tuple[nn.Module, nn.Module, torch.Tensor]:
    """A normalised layer, the same one without, and something to give them."""
    torch.manual_seed(0)
    make, shape = LAYERS[kind]
    plain = make()
    given = torch.randint(6, (5,)) if shape is None else torch.randn(shape)
    return zoo.nn.spectral_norm(copy.deepcopy(plain)), plain, given


def matrix(layer: nn.Module, weight: torch.Tensor) -> torch.Tensor:
    """A row for each output."""
    return (weight.transpose(0, 1) if isinstance(layer, nn.ConvTranspose2d) else weight).flatten(1)


def iterate(weight: torch.Tensor, u: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Algorithm 1 of the paper: (u', σ)."""
    v = weight.T @ u
    v = v / v.norm()
    after = weight @ v
    after = after / after.norm()
    return after, after @ weight @ v


def vector(layer: nn.Module) -> torch.Tensor:
    return layer.parametrizations.weight[0].u


@each
def test_a_layer_computes_with_its_weight_divided_by_the_papers_sigma(kind):
    layer, plain, given = made(kind)
    weight, u = plain.weight.detach().clone(), vector(layer).clone()
    for _ in range(3):
        u, sigma = iterate(matrix(plain, weight), u)
        plain.weight.data = weight / sigma
        torch.testing.assert_close(layer(given), plain(given))
        torch.testing.assert_close(vector(layer), u)


@each
def test_after_many_passes_the_largest_singular_value_is_one(kind):
    layer, plain, given = made(kind)
    for _ in range(200):
        layer(given)
    assert torch.linalg.matrix_norm(matrix(plain, layer.eval().weight), 2).item() == pytest.approx(1, abs=1e-3)


@each
def test_each_training_pass_is_one_iteration_and_evaluation_leaves_the_vector(kind):
    layer, plain, given = made(kind)
    u = vector(layer).clone()
    layer.eval()(given)
    assert torch.equal(vector(layer), u)
    layer.train()
    for _ in range(2):
        layer(given)
        u, _ = iterate(matrix(plain, plain.weight.detach()), u)
        torch.testing.assert_close(vector(layer), u)
    with torch.no_grad():
        layer(given)
    assert not torch.equal(vector(layer), u), "without gradients, too: a phase of G's is a pass of D"


def test_gradients_flow_through_sigma_with_the_vectors_as_constants():
    """Equation 12: with W̄ = W / σ and g the gradient of W̄, that of W is (g − ⟨g, W̄⟩ u vᵀ) / σ."""
    torch.manual_seed(1)
    layer = zoo.nn.spectral_norm(nn.Linear(6, 4, bias=False).double())
    weight, u = layer.parametrizations.weight.original, vector(layer).clone()
    x, cotangent = torch.randn(3, 6, dtype=torch.float64), torch.randn(3, 4, dtype=torch.float64)
    (found,) = torch.autograd.grad((layer(x) * cotangent).sum(), weight)
    with torch.no_grad():
        after, sigma = iterate(weight, u)
        v = weight.T @ u
        v = v / v.norm()
        g = cotangent.T @ x
        expected = (g - (g * weight / sigma).sum() * torch.outer(after, v)) / sigma
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("kind", [kind for kind in LAYERS if kind != "Embedding"])
def test_it_can_be_differentiated_twice(kind):
    """With u where the power method ends: there σ changes alike whether u and v are constants, as quotients do not know, or not."""
    layer, plain, given = made(kind)
    layer = layer.double().eval()
    weight = layer.parametrizations.weight.original
    vector(layer).copy_(torch.linalg.svd(matrix(plain, weight.detach()))[0][:, 0])

    def penalty(w: torch.Tensor) -> torch.Tensor:
        images = given.double().requires_grad_()
        y = torch.func.functional_call(layer, {"parametrizations.weight.original": w}, (images,))
        (gradient,) = torch.autograd.grad(y.tanh().sum(), images, create_graph=True)
        return gradient.square().sum()

    assert torch.autograd.gradcheck(penalty, (weight.detach().clone().requires_grad_(),))


def test_two_passes_before_their_gradients_do_not_disturb_each_other():
    torch.manual_seed(0)
    layer = zoo.nn.spectral_norm(nn.Linear(6, 4))
    other = copy.deepcopy(layer)
    x, y = torch.randn(2, 3, 6)
    (layer(x).square().sum() + layer(y).square().sum()).backward()
    other(x).square().sum().backward()
    other(y).square().sum().backward()
    for ours, theirs in zip(layer.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


@each
def test_copies_and_state_dicts_go_on_to_the_bit(kind):
    layer, _, given = made(kind)
    layer(given).sum().backward()
    copied = copy.deepcopy(layer)
    loaded = zoo.nn.spectral_norm(LAYERS[kind][0]())
    loaded.load_state_dict(layer.state_dict())
    assert {"parametrizations.weight.original", "parametrizations.weight.0.u"} <= layer.state_dict().keys()
    expected = layer(given), layer(given)
    for other in (copied, loaded):
        assert torch.equal(other(given), expected[0])
        assert torch.equal(other(given), expected[1])
        assert torch.equal(vector(other), vector(layer))


def test_the_first_vector_comes_from_torchs_default_generator():
    def draw(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return vector(zoo.nn.spectral_norm(nn.utils.skip_init(nn.Linear, 6, 4).requires_grad_(False).apply(ones)))

    def ones(layer: nn.Module) -> None:
        nn.init.ones_(layer.weight)

    torch.manual_seed(7)
    assert torch.equal(draw(7), draw(7))
    assert not torch.equal(draw(7), draw(8))


def test_an_average_of_weights_is_normalised_by_its_own_sigma():
    """The EMA of G averages u too; only its direction counts."""
    torch.manual_seed(0)
    network = nn.Sequential(zoo.nn.spectral_norm(nn.Linear(6, 4)), nn.Tanh())
    ema = EMA(network, 0.9)
    for _ in range(200):
        network(torch.randn(3, 6))
        with torch.no_grad():
            network[0].parametrizations.weight.original += 0.01 * torch.randn(4, 6)
        ema.update()
    averaged = ema.network[0]
    torch.testing.assert_close(torch.linalg.matrix_norm(averaged.weight, 2), torch.tensor(1.0), rtol=0.02, atol=0.0)
    with torch.no_grad():
        before = averaged.weight.clone()
        vector(averaged).mul_(0.3)
    torch.testing.assert_close(averaged.weight, before)


def test_weights_that_lie_channels_last_give_the_same_and_stay_so():
    torch.manual_seed(0)
    layer = zoo.nn.spectral_norm(zoo.nn.Conv2dAct(32, 48, 3, padding=1, activation="relu"))
    other = copy.deepcopy(layer)
    other.parametrizations.weight.original.data = layer.parametrizations.weight.original.data.contiguous(
        memory_format=torch.channels_last
    )
    x = torch.randn(2, 32, 8, 8)
    y = other(x.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(y, layer(x), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(vector(other), vector(layer))
    assert other.eval().weight.is_contiguous(memory_format=torch.channels_last)


def test_sigma_is_computed_in_float32_under_autocast():
    torch.manual_seed(0)
    layer = zoo.nn.spectral_norm(nn.Linear(64, 32))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under = copy.deepcopy(layer).weight
    assert torch.equal(under, layer.weight)


def test_a_frozen_layer_is_one_layer_with_its_bias():
    network = nn.Sequential(zoo.nn.spectral_norm(zoo.nn.Conv2dAct(3, 4, 3)), zoo.nn.spectral_norm(nn.Linear(4, 1)))
    assert [len(layer) for layer in layers_of(network)] == [2, 2]


def test_removing_it_leaves_the_normalised_weight():
    layer, _, given = made("Linear")
    layer.eval()
    expected = layer(given)
    parametrize.remove_parametrizations(layer, "weight")
    torch.testing.assert_close(layer(given), expected)
    assert "parametrizations.weight.0.u" not in layer.state_dict()


@pytest.mark.parametrize(
    ("module", "arguments", "words"),
    [
        (nn.Linear(2, 2), dict(name="wight"), "no parameter 'wight'.*weight, bias"),
        (nn.Linear(2, 2), dict(name="bias"), r"\(2,\)"),
        (nn.ReLU(), {}, "it has: none"),
        (nn.LazyLinear(2), {}, "no shape yet"),
        (zoo.nn.spectral_norm(nn.Linear(2, 2)), {}, "once"),
        (nn.Linear(2, 2).apply(lambda layer: nn.init.zeros_(layer.weight)), {}, "all zeros"),
        (nn.Linear(2, 2), dict(eps=0.0), "eps is 0"),
    ],
    ids=["no such parameter", "a vector", "no parameter", "lazy", "twice", "zeros", "eps"],
)
def test_what_cannot_be_normalised_is_refused(module, arguments, words):
    with pytest.raises(ValueError, match=words):
        zoo.nn.spectral_norm(module, **arguments)
