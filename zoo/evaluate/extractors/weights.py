"""Reads the weights of a network from a file that somebody else made, without running any code of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from zoo.errors import OptionError, in_one_line
from zoo.system.reading import not_read


def load_weights(network: nn.Module, file: Path, but_for: Sequence[str] = ()) -> None:
    """Give a network the weights of a .safetensors file, or of one that torch wrote, of which tensors alone are read.

    `but_for`: what the names of those begin with that the network leaves out. Raises OptionError for a file that cannot be read, or
    holds the weights of another network.
    """
    weights = {name: value for name, value in _read(file).items() if not name.startswith(tuple(but_for) or ("\0",))}
    ours = {name: value for name, value in network.state_dict().items() if not name.endswith("num_batches_tracked")}
    lacking = [name for name in ours if name not in weights]
    others = [name for name in weights if name not in ours and not name.endswith("num_batches_tracked")]
    wrong = [name for name, value in ours.items() if name in weights and weights[name].shape != value.shape]
    for names, what in ((lacking, "lacks"), (others, "has besides"), (wrong, "has in another shape")):
        if names:
            raise OptionError(
                f"{file} holds the weights of another network: it {what} {names[0]} ({len(names)} tensors)"
            )
    network.load_state_dict({name: weights[name] for name in ours}, strict=False)


def _read(file: Path) -> dict[str, Tensor]:
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        found = torch.load(file, map_location="cpu", weights_only=True, mmap=False)
    except OSError as error:
        raise OptionError(not_read(file, error)) from error
    except Exception as error:  # in whatever way the reader puts that it is damaged
        raise OptionError(
            f"{file} cannot be read as weights: {_why(error)}; give a .safetensors or .pth file of tensors alone"
        ) from error
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        raise OptionError(f"{file} holds no weights by name; give a .safetensors or .pth file of tensors alone")
    return dict(found)


def _why(error: Exception) -> str:
    """What a reader says in words; a bare name or number of its own tells a person nothing."""
    words = in_one_line(error)[:200]
    return words if " " in str(error).strip() else "it is damaged, or something else"
