"""The process of a trial: its threads, its memory over time, settings that a model may change."""

from __future__ import annotations

import contextlib
import gc
import os
import random
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
# What reads a setting, and what sets it.
Setting = tuple[Callable[[], Any], Callable[[Any], Any]]
# Type (float32), device, gradients, determinism and random state of torch that nobody changed.
TORCH_DEFAULTS = (None, None, True, False, None)
TORCH_SEED = 67280421310721


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
    """Undo what a model changed in its process: folder, environment, path of modules, warnings,
    recursion limit, random states, error states, and settings of torch.
    """
    torch_at_first = "torch" in sys.modules
    settings = (*_settings(), *(_torch_settings() if torch_at_first else ()))
    kept = [(put, get()) for get, put in settings]
    try:
        with warnings.catch_warnings():
            yield
    finally:
        if "torch" in sys.modules and not torch_at_first:
            kept += [(put, value) for (_, put), value in zip(_torch_settings(), TORCH_DEFAULTS)]
        for put, value in kept:
            put(value)


def _settings() -> tuple[Setting, ...]:
    """Return, of each setting of the process, what reads and what sets it."""
    import numpy as np

    return (
        (os.getcwd, os.chdir),
        (os.environ.copy, _set_environment),
        (sys.path.copy, lambda path: sys.path.__setitem__(slice(None), path)),
        (sys.getrecursionlimit, sys.setrecursionlimit),
        (random.getstate, random.setstate),
        (np.random.get_state, np.random.set_state),
        (np.geterr, lambda errors: np.seterr(**errors)),
    )


def _torch_settings() -> tuple[Setting, ...]:
    """Return the settings of torch, in the order of `TORCH_DEFAULTS`, then its threads."""
    import torch

    def set_determinism(wanted: bool) -> None:
        # Setting it loads the compiler, which takes a second.
        if torch.are_deterministic_algorithms_enabled() != wanted:
            torch.use_deterministic_algorithms(wanted)

    def set_random_state(state: Any) -> None:
        torch.manual_seed(TORCH_SEED) if state is None else torch.set_rng_state(state)

    return (
        (torch.get_default_dtype, lambda dtype: torch.set_default_dtype(dtype or torch.float32)),
        (lambda: None, torch.set_default_device),
        (torch.is_grad_enabled, torch.set_grad_enabled),
        (torch.are_deterministic_algorithms_enabled, set_determinism),
        (torch.get_rng_state, set_random_state),
        (torch.get_num_threads, torch.set_num_threads),
    )


def _set_environment(variables: dict[str, str]) -> None:
    if os.environ != variables:
        os.environ.clear()
        os.environ.update(variables)


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
