"""What the process of a trial is held to: threads, memory, and settings that a model may change."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "TORCHINDUCTOR_COMPILE_THREADS",
)
CLEAR = Path("/proc/self/clear_refs")
PEAK = "5"


@contextlib.contextmanager
def limited_threads(threads: int) -> Iterator[None]:
    """Hold numerical libraries to a number of threads, loaded already or still to be loaded."""
    from threadpoolctl import threadpool_limits

    kept = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    try:
        with threadpool_limits(limits=threads):
            yield
    finally:
        for name, value in kept.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def settings_restored() -> Iterator[None]:
    """Undo what a model changed in its process: folder, warnings, error states, torch."""
    import numpy as np

    folder, errors, torch_before = os.getcwd(), np.geterr(), _torch_settings()
    try:
        with warnings.catch_warnings():
            yield
    finally:
        os.chdir(folder)
        np.seterr(**errors)
        if "torch" in sys.modules:
            _set_torch(*(torch_before or (sys.modules["torch"].float32, True, False, None)))


def _torch_settings() -> tuple[Any, bool, bool, int] | None:
    """Return type, gradients, determinism and threads, None where torch is not loaded."""
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    return (
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        torch.get_num_threads(),
    )


def _set_torch(dtype: Any, gradients: bool, deterministic: bool, threads: int | None) -> None:
    import torch

    torch.set_default_dtype(dtype)
    torch.set_grad_enabled(gradients)
    # Setting it loads the compiler, which takes a second.
    if torch.are_deterministic_algorithms_enabled() != deterministic:
        torch.use_deterministic_algorithms(deterministic)
    if threads is not None:
        torch.set_num_threads(threads)


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
