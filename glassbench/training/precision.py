"""Mixed precision: bfloat16 where it is asked for, or where the hardware multiplies it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch


def autocast_for(precision: str, device: str) -> Callable[[], AbstractContextManager]:
    """Return a factory of contexts for `float32`, `bfloat16` or `auto` on this device."""
    if precision == "float32":
        return nullcontext
    if precision == "auto" and not _multiplies_bfloat16(device):
        return nullcontext
    return lambda: torch.autocast(device.split(":")[0], dtype=torch.bfloat16)


def _multiplies_bfloat16(device: str) -> bool:
    """Return whether the hardware multiplies bfloat16 faster than float32."""
    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported()
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
