"""A trial that sleeps in place of computing, and leaves all that a real one leaves."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from glassbench.contract.folder_digest import folder_digest
from glassbench.contract.trial_plan import DatasetReference, ModelReference, Trial
from glassbench.model import Condition, Progress
from glassbench.trial.result import ConditionScores, Score, TrialResult, write_result

CONFIGURATIONS, PARTICLES, EPOCHS = 8, 4096, 4


def run(trial, workspace, *, report, device="cpu", threads=1) -> TrialResult:
    """Import what a real trial imports, sleep as long as it computes, write what it writes."""
    began = time.time()
    import torch  # noqa: F401

    import glassbench.trial.run  # noqa: F401

    seconds = float(trial.hyperparameters["seconds"])
    ready = time.time()
    for epoch in range(1, EPOCHS + 1):
        time.sleep(seconds / EPOCHS)
        report(Progress(epoch=epoch, epochs=EPOCHS, loss=1 / epoch))
    folder = workspace.trial_folder(trial.key)
    np.savez(folder / "predictions.npz", values=np.zeros((CONFIGURATIONS, PARTICLES), np.float32))
    result = result_of(trial, seconds, began, ready)
    write_result(workspace, result)
    return result


def result_of(trial: Trial, seconds: float, began: float, ready: float) -> TrialResult:
    """Return a result of the usual size; its history says when it ran, and in which process."""
    values = tuple(np.linspace(0.4, 0.6, CONFIGURATIONS))
    times = {"epoch": EPOCHS, "loss": 0.25, "began": began, "ready": ready, "ended": time.time()}
    names = tuple(f"configuration{k}" for k in range(CONFIGURATIONS))
    metrics = ("pearson_a", "pearson_a_pooled", "pearson_b", "mean_squared_error")
    scores = {name: Score(0.5, values) for name in metrics}
    return TrialResult(
        key=trial.key,
        trial=trial.to_json(),
        conditions=(ConditionScores(dict(trial.conditions[0]), names, names, scores),),
        history=(times | {"process": os.getpid(), "machine": os.uname().nodename},),
        cost={"wall_seconds": seconds, "cpu_seconds": 0.0, "gpu_seconds": 0.0,
              "peak_memory_bytes": 0},
        predictions={"path": "predictions.npz", "sha256": "0" * 64},
    )  # fmt: skip


def make_trials(folder: Path, count: int, seconds: float) -> list[Trial]:
    """Return trials of a plugin that is written into the folder, each with a seed of its own."""
    model, task = folder / "model", folder / "task"
    for place, name, text in (
        (model, "model.py", "answer = 42\n"),
        (task, "task.toml", 'name = "standin"\n'),
        (task, "mini", ""),
    ):
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    reference = ModelReference("standin", str(model), folder_digest(model))
    return [
        Trial(
            task="standin",
            task_folder=str(task),
            protocol_version=1,
            dataset=DatasetReference("mini", str(task / "mini"), "0" * 64),
            model=reference,
            conditions=(Condition.of(temperature=0.64, time=16.5),),
            hyperparameters={"seconds": seconds},
            seed=seed,
        )
        for seed in range(count)
    ]
