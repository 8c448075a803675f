"""Freezes the first layers of a discriminator, for fine-tuning: FreezeD (Mo, Cho & Shin 2020, arXiv:2002.10964)."""

from __future__ import annotations

from torch import nn

from zoo.errors import OptionError


def layers_of(network: nn.Module) -> list[list[nn.Parameter]]:
    """The parameters of each layer, in the order in which the network's modules are registered.

    A layer begins with a module that has a parameter of two or more dimensions, as those of convolutions and dense layers are.
    Modules that have none, as normalisation has, belong to the layer before them.
    """
    layers: list[list[nn.Parameter]] = []
    known: set[int] = set()
    for module in network.modules():
        # What is parametrised (spectral norm) keeps its weight in a module below; it is one with its bias.
        own = [*module.parameters(recurse=hasattr(module, "parametrizations"))]
        own = [parameter for parameter in own if id(parameter) not in known]
        known |= {id(parameter) for parameter in own}
        if not own:
            continue
        if not layers or any(parameter.dim() > 1 for parameter in own):
            layers.append([])
        layers[-1] += own
    return layers


def freeze_layers(discriminator: nn.Module, count: int, name: str) -> None:
    """Keep the parameters of its first `count` layers as they are. `name`: the architecture's.

    They take no gradients, and optimisers pass over what has none. Batch normalisation in them goes on as everywhere else: it
    normalises with the statistics of each batch, and its running statistics, which D draws on in evaluation alone, follow the data.

    Raises OptionError where no layer would be left to learn.
    """
    if not count:
        return
    layers = layers_of(discriminator)
    if count >= len(layers):
        fits = f"give fewer than {len(layers)}" if len(layers) > 1 else "leave it out"
        raise OptionError(
            f"--freeze-d {count}: the discriminator of {name} has {len(layers)} layer{'s' if len(layers) > 1 else ''}, of which "
            f"one at least is to learn; {fits}"
        )
    for layer in layers[:count]:
        for parameter in layer:
            parameter.requires_grad_(False)
