"""How a generator is copied and pickled, and the facts that it is shown with."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, TypeVar

from torch import Tensor, nn

from zoo.data.spec import DataSpec
from zoo.generate.sampling import device_of
from zoo.options import Options

Self = TypeVar("Self", bound="Copied")


class Copied:
    """What of a generator its copies take along."""

    network: nn.Module
    architecture: str
    options: Options
    spec: DataSpec
    class_names: list[str]
    step: int
    _restore: Callable[..., Any] | None

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Pickle the weights and what builds the network around them: the code is the plugin's, and not in it.

        Unpickled, it draws the same to the last bit; on the CPU where its device is not there. D stays in the run's folder.
        """
        if self._restore is None:
            return super().__reduce_ex__(protocol)
        weights = {name: _alone(value) for name, value in self.network.state_dict().items()}
        options = self.options.model_dump(mode="json")
        device = str(device_of(self.network))
        return self._restore, (options, self.spec, self.class_names, self.step, weights, device)

    def __copy__(self: Self) -> Self:
        """Another with the same network."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def __deepcopy__(self: Self, memo: dict[int, Any]) -> Self:
        """Another with networks of its own."""
        other = self.__copy__()
        memo[id(self)] = other
        networks = {name: value for name, value in self.__dict__.items() if isinstance(value, nn.Module)}
        other.__dict__.update(copy.deepcopy(networks, memo), class_names=list(self.class_names))
        return other


def facts_of(generator: Copied) -> dict[str, object]:
    """What a notebook tells of a generator, by name."""
    return {
        "generator": generator.architecture,
        "step": generator.step,
        "draws": "points" if generator.spec.points else "images of {}×{}×{}".format(*generator.spec.shape),
        "classes": ", ".join(generator.class_names),
        "latents": f"{generator.options.latent}, {generator.options.latent_distribution}",
        "parameters": f"{sum(each.numel() for each in generator.network.parameters()):,}",
        "device": device_of(generator.network),
    }


def _alone(value: Any) -> Any:
    """A tensor of a state dict on the CPU, without what else its memory holds."""
    if not isinstance(value, Tensor):
        return value
    value = value.detach().cpu()
    return value if value.untyped_storage().nbytes() == value.nbytes else value.clone()
