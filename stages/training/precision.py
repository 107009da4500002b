"""Which precision is the faster one."""

from __future__ import annotations

import torch


def use_bfloat16(device: str, precision: str) -> bool:
    """Whether to compute in bfloat16: always on a GPU that can, on a processor with units for it if asked for."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    units = torch.cpu.get_capabilities()
    return precision == "bf16" and bool(units.get("avx512_bf16") or units.get("amx_tile"))
