"""Spectral normalisation of a layer's weight (Miyato et al. 2018, https://arxiv.org/abs/1802.05957)."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

Module = TypeVar("Module", bound=nn.Module)


def spectral_norm(module: Module, name: str = "weight", eps: float = 1e-12) -> Module:
    """Let a layer compute with W / σ(W) in place of its weight W; σ(W) is W's largest singular value, as a matrix.

    The matrix has a row for each output of the layer: (C', C · kh · kw) of a convolution, transposed or not, (out, in) of a dense
    layer, (classes, features) of an embedding. σ comes from the power method, one iteration in each pass (algorithm 1 of the
    paper): v = Wᵀu / ‖Wᵀu‖, u' = Wv / ‖Wv‖, σ = u'ᵀWv. In training mode u' takes the place of u; in evaluation mode u stays.
    Gradients flow through σ with u' and v as constants, ∂σ/∂W = u'vᵀ (equation 12); penalties on gradients of images work.

    A pass is one forward() of the layer. A training step has several, and u moves in each of them: D sees real images and fakes
    one after the other, and fakes again while G learns. In one pass it sees both only with ``--joined``, where u moves once for
    them: as halves of one pass they would have one σ, and two passes have two, so `zoo train` does not take such a short cut.
    One who reads ``module.weight`` in training mode moves u too.

    u, drawn from N(0, I) by torch's default generator, is the buffer ``parametrizations.weight.0.u`` of the state dict, and W is
    ``parametrizations.weight.original``. Only its direction counts: an average of it over steps serves as well.
    `torch.nn.utils.parametrize.remove_parametrizations` makes W / σ(W) the weight for good.

    Args:
        module: with a parameter of two or more dimensions, whose first weights are drawn: ``nn.init`` does not reach W behind it.
        name: of the parameter.
        eps: the least norm that the power method divides by, above 0.

    Returns:
        The module itself.

    Raises:
        ValueError: where it has no such parameter, or one that is a vector, all zeros, or normalised already.
    """
    weight = _weight_of(module, name)
    if not eps > 0:
        raise ValueError(f"eps is {eps}; a number above 0 is needed")
    transposed = isinstance(module, nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d)
    # unsafe: the check that it leaves out computes a weight, and so would move u.
    parametrize.register_parametrization(module, name, _SpectralNorm(weight, int(transposed), eps), unsafe=True)
    return module


class _SpectralNorm(nn.Module):
    """W to W / σ(W). `dim`: that of W's outputs."""

    u: Tensor

    def __init__(self, weight: Tensor, dim: int, eps: float) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps
        self.register_buffer("u", torch.randn(weight.shape[dim], dtype=weight.dtype, device=weight.device))

    def forward(self, weight: Tensor) -> Tensor:
        with _full_precision(weight.device.type):
            matrix = _matrix(weight, self.dim)
            with torch.no_grad():
                v = _right_vector(self.u, matrix, self.eps)
            product = torch.mv(matrix, v)
            if self.training:
                with torch.no_grad():
                    self.u.copy_(self._unit(product))
            sigma: Tensor = torch.linalg.vector_norm(product)  # which is u'ᵀWv, and has its gradient u'vᵀ
            return weight / sigma

    def _unit(self, vector: Tensor) -> Tensor:
        return nn.functional.normalize(vector, dim=0, eps=self.eps)

    def extra_repr(self) -> str:
        return f"eps={self.eps:g}"


def _right_vector_plain(u: Tensor, matrix: Tensor, eps: float) -> Tensor:
    """v = Wᵀu / ‖Wᵀu‖."""
    return nn.functional.normalize(torch.mv(matrix.t(), u), dim=0, eps=eps)


# An op that compilers do not look into: they would compute it anew for gradients, of a u that has moved on by then.
_right_vector = torch.library.custom_op(
    "zoo_nn::right_vector",
    _right_vector_plain,
    mutates_args=(),
    schema="(Tensor u, Tensor matrix, float eps) -> Tensor",
)


@_right_vector.register_fake
def _(u: Tensor, matrix: Tensor, eps: float) -> Tensor:
    return u.new_empty(matrix.shape[1])


def _full_precision(device: str) -> AbstractContextManager[object]:
    """Autocast would have the products in half precision, and σ with them; not every device knows it (meta does not)."""
    return torch.autocast(device, enabled=False) if torch.amp.is_autocast_available(device) else nullcontext()


def _matrix(weight: Tensor, dim: int) -> Tensor:
    """The weight as a matrix whose rows are its outputs, copied only where it has to be. The order of the columns is open."""
    weight = weight.movedim(dim, 0)
    last = weight.movedim(1, -1)
    return (last if last.is_contiguous() else weight).flatten(1)


def _weight_of(module: nn.Module, name: str) -> nn.Parameter:
    """The parameter of that name. Raises ValueError where it cannot be normalised."""
    what = type(module).__name__
    if parametrize.is_parametrized(module, name):
        raise ValueError(f"{name} of this {what} is parametrised already; normalise it once")
    weight = module._parameters.get(name)
    if weight is None:
        own = ", ".join(key for key, value in module._parameters.items() if value is not None) or "none"
        raise ValueError(f"this {what} has no parameter {name!r} of its own (it has: {own}); give a layer that has one")
    if nn.parameter.is_lazy(weight):
        raise ValueError(f"{name} of this {what} has no shape yet; give it a first input, or its sizes, before")
    if weight.dim() < 2:
        raise ValueError(
            f"{name} of this {what} has the shape {tuple(weight.shape)}; two dimensions or more are needed, as of a matrix"
        )
    if not weight.is_meta and not bool(weight.detach().any()):
        raise ValueError(f"{name} of this {what} is all zeros, which no norm can divide; draw its weights before")
    return weight
