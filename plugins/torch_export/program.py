"""Writes a generator as a program of `torch.export`."""

from __future__ import annotations

import io
import json
from pathlib import Path

import torch

import zoo

FACTS = "zoo.json"
"""The extra file in which the program says what it takes and gives."""

EXAMPLES = 3  # 0 and 1 are numbers that torch.export would take for constants


def write(generator: zoo.Generator, path: Path) -> None:
    """Write G's program to `path`. Raises RunError where its networks cannot be traced."""
    inputs: list[torch.Tensor] = [generator.latents(EXAMPLES)]
    if generator.class_names:
        inputs.append(torch.arange(EXAMPLES) % len(generator.class_names))
    many = torch.export.Dim("n", min=1)
    with torch.no_grad(), zoo.ops.references():
        program = torch.export.export(
            generator.network, tuple(inputs), dynamic_shapes=tuple({0: many} for _ in inputs), strict=False
        )
    foreign = sorted({str(node.target) for node in program.graph.nodes if str(node.target).startswith("zoo")})
    if foreign:
        raise zoo.errors.RunError(f"the generator calls {', '.join(foreign)}, which plain torch does not have")
    packed = io.BytesIO()  # torch ends the whole process where a file cannot be written on, as on a full disk
    torch.export.save(program, packed, extra_files={FACTS: json.dumps(facts(generator), indent=2)})
    path.write_bytes(packed.getbuffer())


def facts(generator: zoo.Generator) -> dict[str, object]:
    """What someone who has the file and no zoo has to know."""
    takes = f"latents, float32 (n, {generator.options.latent}), {DISTRIBUTIONS[generator.options.latent_distribution]}"
    return {
        "architecture": generator.architecture,
        "step": generator.step,
        "latent": generator.options.latent,
        "latent_distribution": generator.options.latent_distribution,
        "classes": len(generator.class_names),
        "class_names": generator.class_names,
        "shape": list(generator.spec.shape),
        "takes": takes + (", and labels, int64 (n,)" if generator.class_names else ""),
        "gives": f"{'points' if generator.spec.points else 'images'}, float32 (n, C, H, W) in [-1, 1]"
        + (", colours multiplied with alpha (premultiplied)" if generator.spec.channels == 4 else ""),
        "zoo": zoo.__version__,
    }


DISTRIBUTIONS = {
    "normal": "from N(0, 1)",
    "uniform": "uniform in [-1, 1)",
    "unit": "uniform in [0, 1)",
}
