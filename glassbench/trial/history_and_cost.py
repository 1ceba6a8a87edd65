"""What a trial notes of its fit while it runs: progress of the epochs, and what it cost."""

from __future__ import annotations

import json
import math
import os
import resource
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from ..home.files import write_json
from ..model import Progress


class History:
    """Progress of each epoch, kept on disk so that a resumed fit does not lose it."""

    def __init__(self, path: Path, report: Callable[[Progress], None] | None) -> None:
        self.path, self.report = path, report

    def add(self, progress: Progress) -> None:
        with open(self.path, "a+b") as file:
            # A line that a crash or a full disk tore must not take the next one along.
            if file.tell() and not _ends_whole(file):
                file.write(b"\n")
            file.write(json.dumps(asdict(progress)).encode() + b"\n")
        if self.report is not None:
            self.report(progress)

    def read(self) -> list[dict]:
        """Return the last report of each epoch, in order; a torn last line does not count."""
        epochs: dict[int, dict] = {}
        if self.path.exists():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                try:
                    entry = json.loads(line)
                except json.JSONDecodeError:
                    continue
                epochs[entry["epoch"]] = {k: _finite(v) for k, v in entry.items()}
        return [epochs[epoch] for epoch in sorted(epochs)]


def _ends_whole(file) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def _finite(value):
    return None if isinstance(value, float) and not math.isfinite(value) else value


class Cost:
    """Seconds and memory of each stage, kept on disk over attempts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.spent = json.loads(path.read_text()) if path.exists() else {}

    def of(self, stage: str) -> Stage:
        return Stage(self, stage)

    def add(self, **amounts: float) -> None:
        for name, amount in amounts.items():
            self.spent[name] = self.spent.get(name, 0.0) + amount
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        self.spent["peak_memory_bytes"] = max(self.spent.get("peak_memory_bytes", 0), peak)
        write_json(self.path, self.spent)

    def remember(self, name: str, value) -> None:
        """Keep a fact that a later attempt, which does not fit again, could not tell."""
        if value is not None:
            self.spent[name] = value
            write_json(self.path, self.spent)

    def total(self, device: str) -> dict[str, float]:
        wall = self.spent.get("fit_seconds", 0.0) + self.spent.get("predict_seconds", 0.0)
        return {
            "wall_seconds": wall,
            "cpu_seconds": self.spent.get("cpu_seconds", 0.0),
            "gpu_seconds": wall if device.startswith("cuda") else 0.0,
            "peak_memory_bytes": self.spent.get("peak_memory_bytes", 0),
            "fit_seconds": self.spent.get("fit_seconds", 0.0),
            "predict_seconds": self.spent.get("predict_seconds", 0.0),
        }


class Stage:
    """Times one stage; what a failed stage spent counts too."""

    def __init__(self, cost: Cost, stage: str) -> None:
        self.cost, self.stage = cost, stage

    def __enter__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.cost.add(
            **{f"{self.stage}_seconds": time.perf_counter() - self.wall},
            cpu_seconds=time.process_time() - self.cpu,
        )
