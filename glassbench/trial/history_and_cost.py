"""What a trial writes down while it runs: the progress of its epochs, and what they cost."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..contract.finite import finite
from ..home.files import append_json_line, read_json_lines, write_json
from ..model import Progress


class History:
    """Progress of each epoch, kept on disk so that a resumed fit does not lose it."""

    def __init__(self, path: Path, report: Callable[[Progress], None] | None) -> None:
        self.path, self.report = path, report

    def add(self, progress: Progress) -> None:
        append_json_line(self.path, asdict(progress))
        if self.report is not None:
            self.report(progress)

    def read(self) -> list[dict[str, Any]]:
        """Return the last report of each epoch, in order."""
        epochs = {entry["epoch"]: entry for entry in read_json_lines(self.path)}
        return [
            {name: _finite(value) for name, value in epochs[epoch].items()}
            for epoch in sorted(epochs)
        ]


def _finite(value: Any) -> Any:
    return finite(value) if isinstance(value, float) else value


class Cost:
    """Seconds and memory of each stage, kept on disk over attempts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.spent: dict[str, Any] = (
            json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        )

    def of(self, stage: str) -> Stage:
        return Stage(self, stage)

    def add(self, **amounts: float) -> None:
        for name, amount in amounts.items():
            self.spent[name] = self.spent.get(name, 0.0) + amount
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        self.spent["peak_memory_bytes"] = max(self.spent.get("peak_memory_bytes", 0), peak)
        write_json(self.path, self.spent)

    def remember(self, name: str, value: Any) -> None:
        """Keep a number for a later attempt, which may not fit again."""
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
