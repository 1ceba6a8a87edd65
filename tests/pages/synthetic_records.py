"""Records of any task with scores drawn at random, valid as the runner's are."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from pathlib import Path

import numpy as np

from glassbench.contract.task import Task

ENVIRONMENT = {
    "glassbench": "0.1.0",
    "git": {"commit": "0" * 40, "dirty": False},
    "python": "3.11.7",
    "platform": "Linux x86_64",
    "packages": {"sha256": "0" * 64, "list": {"numpy": "2.0.0"}},
    "hardware": {"cpu": "a processor", "cores": 2, "memory_bytes": 10**9, "gpus": []},
}

PROBE = {
    "value": 0.1234,
    "interval": [0.05, 0.2],
    "configurations": ["c0"],
    "by_configuration": [0.1234],
    "curves": {
        "configuration": "c0",
        "degrees": [0.0, 90.0, 180.0, 270.0],
        "particles": [7],
        "values": [[0.9, 0.1, 0.8, 0.2]],
    },
}


def grid(task: Task, total: int) -> list[dict[str, float]]:
    """Return about `total` conditions on a grid over the axes of a task, the last one finest."""
    axes = [axis.name for axis in task.axes]
    short = 4 if total >= 16 else 2
    sizes = [1] * len(axes)
    if len(axes) > 1:
        sizes[0] = short
    sizes[-1] = max(1, total // short if len(axes) > 1 else total)
    values = [np.geomspace(0.1, 10.0, size).round(6).tolist() for size in sizes]
    return [dict(zip(axes, point)) for point in itertools.product(*values)]


def make_record(
    task: Task,
    model: str,
    quality: float,
    conditions: list[dict[str, float]],
    *,
    parents: int = 12,
    seeds: tuple[int, ...] = (0,),
    dataset: tuple[str, str] = ("mini", "sha256:0123456789abcdef"),
    generator: np.random.Generator | None = None,
    reads: tuple[str, ...] = ("thermal",),
    **changes,
) -> dict:
    """Return a record whose scores scatter about `quality`, the same noise for one generator."""
    generator = generator or np.random.default_rng(0)
    metrics = list(task.metrics)
    names = [f"c{k}" for k in range(parents)]
    digest = hashlib.sha256(model.encode()).hexdigest()

    def score(value: float) -> dict:
        each = [(value + 0.02 * generator.normal(size=parents)).tolist() for _ in seeds]
        mean = float(np.mean(each))
        return {
            "value": mean,
            "interval": [mean - 0.015, mean + 0.015],
            "seeds": [
                {"seed": seed, "value": float(np.mean(own)), "by_configuration": own}
                for seed, own in zip(seeds, each)
            ],
        }

    primary = task.primary_metric.name
    entries = []
    for condition in conditions:
        scores = {metric.name: score(quality) for metric in metrics}
        floor = score(0.1)
        entries.append(
            {
                "condition": condition,
                "tau_alpha": 5.0 if "time" in condition else None,
                "configurations": names,
                "parents": [f"parent-{name}" for name in names],
                "scores": scores,
                "ceiling": {
                    name: {"value": 0.9, "by_configuration": [0.9] * parents} for name in scores
                },
                "floors": [
                    {
                        "model": "local_density",
                        "value": floor["value"],
                        "interval": floor["interval"],
                        "by_configuration": floor["seeds"][0]["by_configuration"],
                    }
                ],
                "above_floor": {
                    "floor": "local_density",
                    "difference": scores[primary]["value"] - floor["value"],
                    "interval": [0.01, 0.9],
                },
                "reported": [],
            }
        )
    return {
        "schema_version": 1,
        "status": "measured",
        "task": {
            "name": task.name,
            "protocol_version": task.protocol_version,
            "primary_metric": primary,
        },
        "dataset": {"name": dataset[0], "digest": dataset[1]},
        "model": {
            "name": model,
            "title": f"Model {model}",
            "digest": digest,
            "reads": list(reads),
            "parameters": 1000,
        },
        "hyperparameters": {"rate": 0.001},
        "seeds": list(seeds),
        "conditions": entries,
        "failed": [],
        "cost": {
            "wall_seconds": 100.0 * quality,
            "cpu_seconds": 200.0 * quality,
            "gpu_seconds": 50.0 * quality,
            "peak_memory_bytes": 10**9,
        },
        "provenance": {
            "environments": [ENVIRONMENT],
            "dataset_digest": dataset[1],
            "model_digest": digest,
        },
        "tracking": None,
        "predictions": [
            {
                "seed": seed,
                "condition": condition,
                "path": "trials/00/0/predictions.npz",
                "sha256": "0" * 64,
            }
            for seed in seeds
            for condition in conditions
        ],
        "created": "2026-01-02T03:04:05+00:00",
    } | changes


def put(folder: Path, name: str, record: dict) -> Path:
    """Write a record among others."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    return path


def make_explanation(record: dict, particles: int = 64, labels: bool = False) -> dict:
    """Return an explanation of a record: maps of one glass, with predictions of its own.

    With `labels` the truth of each particle is 0 or 1.
    """

    def base64_of(array: np.ndarray) -> str:
        return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()

    steps = np.random.default_rng(0).integers(0, 65536, (particles, 3)).astype("<u2")
    target = np.arange(particles) * 255 // (particles - 1)
    truth = 255 * (target > 200) if labels else target
    shift = len(record["model"]["name"])
    conditions = [entry["condition"] for entry in record["conditions"][:2]]
    return {
        "schema_version": 1,
        "model_digest": record["model"]["digest"],
        "dataset_digest": record["dataset"]["digest"],
        "seed": 0,
        "dataset": [{"name": "configurations: train", "value": "16"}],
        "replaced": [],
        "conditions": [],
        "maps": [
            {
                "condition": condition,
                "configuration": "c0",
                "unit": "σ_AA",
                # All labels of a configuration may be the same.
                "limits": [0.0, 0.0 if k else 1.0],
                "structure": 0,
                "target": base64_of(truth.astype(np.uint8)),
                "prediction": base64_of(np.roll(target, shift).astype(np.uint8)),
            }
            for k, condition in enumerate(conditions)
        ],
        "structures": [
            {
                "box": [4.0, 4.0, 4.0],
                "spacing": 1.0,
                "unit": "σ_AA",
                "species": base64_of(np.zeros(particles, np.uint8)),
                "positions": base64_of(steps),
            }
        ],
        "learning_curve": [
            {
                "condition": conditions[0],
                "points": [
                    {"configurations": n, "value": v, "interval": None, "difference": None}
                    for n, v in ((4, 0.3), (8, 0.4), (16, 0.5))
                ],
            }
        ],
        "transfer": [],
    }
