"""What the processor multiplies bfloat16 by."""

from __future__ import annotations

INSTRUCTIONS = ("amx_bf16", "avx512_bf16", "sve_bf16", "bf16")
"""As `torch.cpu.get_capabilities` names them: AMX and AVX-512 of x86, SVE and NEON of ARM."""


def bfloat16_instructions() -> list[str] | None:
    """Those of `INSTRUCTIONS` that this processor has; None where torch is too old to know."""
    import torch

    ask = getattr(torch.cpu, "get_capabilities", None)
    if ask is None:
        return None
    here = ask()
    return [name for name in INSTRUCTIONS if here.get(name)]
