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

    folder, errors = os.getcwd(), np.geterr()
    torch_before = _torch_settings() if "torch" in sys.modules else None
    try:
        with warnings.catch_warnings():
            yield
    finally:
        os.chdir(folder)
        np.seterr(**errors)
        if "torch" in sys.modules:
            _set_torch(torch_before)


def _torch_settings() -> dict[str, Any]:
    import torch

    return {
        "dtype": torch.get_default_dtype(),
        "grad": torch.is_grad_enabled(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "threads": torch.get_num_threads(),
    }


def _set_torch(settings: dict[str, Any] | None) -> None:
    """Give torch the settings that it had, or those it starts with where it was not loaded."""
    import torch

    start: dict[str, Any] = {"dtype": torch.float32, "grad": True, "deterministic": False}
    settings = start if settings is None else settings
    torch.set_default_dtype(settings["dtype"])
    torch.set_grad_enabled(settings["grad"])
    # Setting it loads the compiler, which takes a second.
    if torch.are_deterministic_algorithms_enabled() != settings["deterministic"]:
        torch.use_deterministic_algorithms(settings["deterministic"])
    if "threads" in settings:
        torch.set_num_threads(settings["threads"])


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
