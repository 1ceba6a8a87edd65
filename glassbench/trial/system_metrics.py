"""Processor and memory use of a trial over time, sampled beside it."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SYSTEM_FILE = "system.jsonl"
PERIOD = 10.0
MEGABYTE = 1e6


@contextlib.contextmanager
def sampled(folder: Path, period: float = PERIOD) -> Iterator[None]:
    """Append a line to `system.jsonl` every `period` seconds while the block runs.

    A sample holds `time` (seconds since the epoch), `cpu_percent` (100 for each
    busy core), `memory_megabytes` (resident, children included) and, where torch
    uses one, `gpu_memory_megabytes`.
    """
    import psutil

    process = psutil.Process()
    process.cpu_percent()
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(period):
            with (
                contextlib.suppress(OSError),
                open(folder / SYSTEM_FILE, "a", encoding="utf-8") as file,
            ):
                file.write(json.dumps(_sample(process)) + "\n")

    thread = threading.Thread(target=watch, name="glassbench-system-metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _sample(process) -> dict[str, Any]:
    import psutil

    memory = process.memory_info().rss
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            memory += child.memory_info().rss
    sample = {
        "time": time.time(),
        "cpu_percent": process.cpu_percent(),
        "memory_megabytes": memory / MEGABYTE,
    }
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        sample["gpu_memory_megabytes"] = torch.cuda.memory_allocated() / MEGABYTE
    return sample
