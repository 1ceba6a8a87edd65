"""Free memory, and a peak of its own, for each trial of a process that runs several."""

from __future__ import annotations

import contextlib
import gc
import sys
from pathlib import Path

CLEAR = Path("/proc/self/clear_refs")
PEAK = "5"


def free_memory() -> None:
    """Give back what earlier trials left on the host and on GPUs, and let the peak begin anew.

    The peak is that of resident memory, which Linux lets a process reset; elsewhere it
    goes on counting.
    """
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    with contextlib.suppress(OSError):
        CLEAR.write_text(PEAK)
