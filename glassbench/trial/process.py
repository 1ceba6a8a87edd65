"""The process of a trial: its threads, its memory over time, settings that a model may change."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..home.files import append_json_line

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "TORCHINDUCTOR_COMPILE_THREADS",
)
CLEAR = Path("/proc/self/clear_refs")
PEAK = "5"
SYSTEM_FILE = "system.jsonl"
PERIOD = 10.0
MEGABYTE = 1e6


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
    """Give back what earlier trials left on host and GPUs; on Linux the peak begins anew."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    with contextlib.suppress(OSError):
        CLEAR.write_text(PEAK)


@contextlib.contextmanager
def repeated(step: Callable[[], None], period: float, name: str) -> Iterator[None]:
    """Call a function every `period` seconds, in a thread of that name, while the block runs."""
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(period):
            step()

    thread = threading.Thread(target=watch, name=f"glassbench-{name}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextlib.contextmanager
def sampled(folder: Path) -> Iterator[None]:
    """Append a line to `system.jsonl` every 10 seconds while the block runs: time in s and use.

    The names are MLflow's: processor use is 100 % for each busy core, memory is resident and
    includes children, and that of a GPU is there where torch uses one.
    """
    import psutil

    process = psutil.Process()
    process.cpu_percent()

    def sample() -> None:
        with contextlib.suppress(OSError):
            append_json_line(folder / SYSTEM_FILE, {"time": time.time(), **_sample(process)})

    with repeated(sample, PERIOD, "system-metrics"):
        yield


def _sample(process) -> dict[str, float]:
    import psutil

    memory = process.memory_info().rss
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            memory += child.memory_info().rss
    sample = {
        "cpu_utilization_percentage": process.cpu_percent(),
        "process_memory_usage_megabytes": memory / MEGABYTE,
    }
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        sample["gpu_memory_usage_megabytes"] = torch.cuda.memory_allocated() / MEGABYTE
    return sample
