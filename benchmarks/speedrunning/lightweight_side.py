"""The networks, losses, augmentation and optimisers of the package lightweight-gan 1.2, in a loop that follows its own.

Its command and its trainer refuse to run without CUDA, so that its classes are driven from here: with the settings of its command
(translation and cutout for as many pictures in a hundred as it would choose for so much data), but for what suits a GPU and a
day: no attention in its ladder of sizes, 64 channels at most (`--fmap-max`; its 512 make 21 million weights) and batches of 16
without accumulation. What is left of its attention, in D, still takes most of a step's time. Digits are 32×32 to it, with a black
margin, as it takes powers of two alone.

    pip install --no-deps lightweight-gan einops kornia kornia_rs adabelief-pytorch tabulate colorama
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from unittest import mock

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from speedrunning.contenders import Contender
from speedrunning.data import DataSet
from speedrunning.pictures import Batches, real
from speedrunning.snapshots import Draw, Snapshots

LATENT, WIDEST, BATCH, PENALTY, PENALTY_EVERY = 64, 64, 16, 10.0, 4
MARGIN = 2
"""Black pixels around a digit."""


def package() -> ModuleType:
    """Its module. It asks for CUDA as it is imported, and for torchvision, tqdm and others, which its networks do without."""
    unused = ("torchvision", "torchvision.transforms", "tqdm")
    stand_ins = {name: mock.MagicMock(name=name) for name in unused if name not in sys.modules}
    with mock.patch.dict(sys.modules, stand_ins), mock.patch("torch.cuda.is_available", return_value=True):
        from lightweight_gan import lightweight_gan as found
    found.Blur = nn.Identity  # as its trainer does without --antialias
    return found


class Peer:
    """Its two networks and how they learn."""

    def __init__(self, data: DataSet, count: int) -> None:
        self.theirs: Any = package()
        side = data.side + 2 * MARGIN * (data.channels == 1)
        with mock.patch.object(self.theirs.LightweightGAN, "cuda", lambda self, rank: self):
            self.gan = self.theirs.LightweightGAN(
                latent_dim=LATENT,
                image_size=side,
                fmap_max=WIDEST,
                greyscale=data.channels == 1,
                attn_res_layers=[],
                disc_output_size=1,
            ).train()
        self.augment = {"prob": min(0.5, (1e5 - count) * 3e-6), "types": ["cutout", "translation"]}

    def step(self, real: Tensor, number: int) -> None:
        """D's update, with its penalty on gradients and its autoencoder, then G's."""
        gan, theirs, penalised = self.gan, self.theirs, number % PENALTY_EVERY == 0
        with torch.no_grad():
            fakes = gan.G(torch.randn(len(real), LATENT))
        if penalised:
            real.requires_grad_()
        gan.D_opt.zero_grad()
        fakes, (of_fakes, of_small_fakes, _) = gan.D_aug(
            fakes, detach=True, input_requires_grad=penalised, return_discr_input=True, **self.augment
        )
        of_real, of_small_real, decoded = gan.D_aug(real, calc_aux_loss=True, **self.augment)
        loss = theirs.hinge_loss(of_real, of_fakes) + theirs.hinge_loss(of_small_real, of_small_fakes) + decoded
        if penalised:
            slopes = torch.cat([slope((of_real, of_small_real), real), slope((of_fakes, of_small_fakes), fakes)])
            loss = loss + PENALTY * (slopes.norm(2, dim=1) ** 2).mean()
        loss.backward()
        gan.D_opt.step()

        gan.G_opt.zero_grad()
        of_fakes, of_small_fakes, _ = gan.D_aug(gan.G(torch.randn(len(real), LATENT)), **self.augment)
        (theirs.gen_hinge_loss(of_fakes, None) + theirs.gen_hinge_loss(of_small_fakes, None)).backward()
        gan.G_opt.step()

    def drawing(self, data: DataSet) -> Draw:
        """Images of G in evaluation mode; its own averaged weights begin to differ from G's after 20,000 steps."""
        latents = torch.randn(10_000, LATENT, generator=torch.Generator().manual_seed(1))

        @torch.no_grad()
        def draw(count: int) -> Iterator[Tensor]:
            self.gan.eval()
            for part in torch.split(latents[:count], 250):
                images = self.gan.G(part) * 2 - 1
                yield images[..., MARGIN:-MARGIN, MARGIN:-MARGIN] if data.channels == 1 else images
            self.gan.train()

        return draw


def slope(logits: tuple[Tensor, ...], images: Tensor) -> Tensor:
    """Gradients (N, C·H·W) of D's logits by its images."""
    ones = [torch.ones_like(each) for each in logits]
    found = torch.autograd.grad(logits, images, ones, create_graph=True)[0]
    return found.flatten(1)


def train(data: DataSet, place: str, seed: int, snapshots: Snapshots, contender: Contender) -> None:
    """Train until the last mark."""
    torch.manual_seed(seed)
    images = real(data, place)
    if data.channels == 1:
        images = F.pad(images, (MARGIN,) * 4, value=-1.0)
    batches = Batches((images + 1) / 2, BATCH, seed)  # [0, 1] is its range
    peer = Peer(data, len(images))
    step = 0
    while not snapshots.over:
        peer.step(batches(), step)
        step += 1
        if snapshots.due:
            snapshots.keep(step, snapshots.stopwatch.seconds, peer.drawing(data))
