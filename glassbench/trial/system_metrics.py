"""Processor and memory use of a trial over time, sampled beside it."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from ..home.files import append_json_line

SYSTEM_FILE = "system.jsonl"
PERIOD = 10.0
MEGABYTE = 1e6


@contextlib.contextmanager
def sampled(folder: Path) -> Iterator[None]:
    """Append a line to `system.jsonl` every 10 seconds while the block runs.

    A sample holds `time` (seconds since the epoch) and what MLflow shows of a system:
    `cpu_utilization_percentage` (100 for each busy core), `process_memory_usage_megabytes`
    (resident, children included), `gpu_memory_usage_megabytes` where torch uses one.
    """
    import psutil

    process, stop = psutil.Process(), threading.Event()
    process.cpu_percent()

    def watch() -> None:
        while not stop.wait(PERIOD):
            with contextlib.suppress(OSError):
                append_json_line(folder / SYSTEM_FILE, {"time": time.time(), **_sample(process)})

    thread = threading.Thread(target=watch, name="glassbench-system-metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


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
