"""The processor's instructions for bfloat16."""

from __future__ import annotations

INSTRUCTIONS = ("amx_bf16", "avx512_bf16", "sve_bf16", "bf16")
"""As `torch.cpu.get_capabilities` names them: AMX and AVX-512 of x86, SVE and NEON of ARM."""
SLOW = {"Intel": "avx512_bf16"}
"""Those that multiply slower than float32's: Intel starts VDPBF16PS on one port every other cycle (docs/performance.md)."""


def bfloat16_instructions() -> list[str] | None:
    """Those of `INSTRUCTIONS` that this processor has, and is faster by; None where torch is too old to know."""
    import torch

    ask = getattr(torch.cpu, "get_capabilities", None)
    if ask is None:
        return None
    here = ask()
    slow = [name for maker, name in SLOW.items() if maker in str(here.get("cpu_name", ""))]
    return [name for name in INSTRUCTIONS if here.get(name) and name not in slow]
