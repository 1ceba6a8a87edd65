"""Functions that stand for `run_trial`: each behaves in one way that a real trial may."""

from __future__ import annotations

import os
import signal
import sys
import time

from glassbench.model import Progress
from glassbench.trial.result import ConditionScores, Score, TrialResult, read_result, write_result


def run(trial, workspace, *, report, device="cpu", threads=1):
    """Count to three, with a checkpoint after each step; do what the seed asks for."""
    done = read_result(workspace, trial)
    if done is not None:
        return done
    folder = workspace.trial_folder(trial.key)
    checkpoint = folder / "checkpoint" / "epoch"
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    with open(folder / "calls", "a") as file:
        file.write(f"{os.getpid()} {threads} {os.environ['OMP_NUM_THREADS']} {device}\n")
    print(f"printed by seed {trial.seed}")
    os.write(1, b"printed by compiled code\n")
    wish = trial.hyperparameters.get("wish", "")
    first = int(checkpoint.read_text()) if checkpoint.exists() else 0
    for epoch in range(first + 1, 4):
        checkpoint.write_text(str(epoch))
        report(Progress(epoch=epoch, epochs=3, loss=1 / epoch))
        if first == 0:
            time.sleep(float(trial.hyperparameters.get("seconds", 0)))
        if wish == "die once" and epoch == 2 and first == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        if wish == "die always":
            os.kill(os.getpid(), signal.SIGKILL)
        if wish == "raise":
            os.write(2, b"words of compiled code\n")
            raise ValueError("the loss is infinite")
        if wish == "exit":
            sys.exit(3)
    result = result_of(trial, started_at=first)
    write_result(workspace, result)
    return result


def result_of(trial, started_at=0):
    scores = tuple(
        ConditionScores(
            condition=dict(condition),
            configurations=("c1", "c2", "c3"),
            parents=("p1", "p2", "p3"),
            scores={"pearson_a": Score(0.5, (0.4, 0.5, 0.6))},
        )
        for condition in trial.conditions
    )
    return TrialResult(
        key=trial.key,
        trial=trial.to_json(),
        conditions=scores,
        history=({"epoch": 3, "loss": 0.1, "started_at": started_at},),
        cost={"wall_seconds": 1.0, "cpu_seconds": 1.0, "gpu_seconds": 0.0, "peak_memory_bytes": 1},
        predictions={},
    )


def run_distributed(trial, workspace, *, report, device="cpu", threads=1, rank=0):
    """Sum the ranks of all workers, over torch.distributed; the first worker writes."""
    import torch
    import torch.distributed as distributed

    from glassbench.training.distribution import from_first_worker

    assert rank == distributed.get_rank() and distributed.get_backend() == "gloo"
    folder = workspace.trial_folder(trial.key)
    checkpoint = folder / "checkpoint" / "attempt"
    first = from_first_worker(float(not checkpoint.exists()), device)
    if trial.hyperparameters.get("wish") == "die once" and first:
        distributed.barrier()
        if rank == 0:
            checkpoint.parent.mkdir(parents=True)
            checkpoint.write_text("1")
        distributed.barrier()
        if rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)
    if trial.hyperparameters.get("wish") == "raise" and rank == 1:
        raise ValueError("the loss is infinite on the second worker")
    total = torch.tensor([rank + 1.0])
    distributed.all_reduce(total)
    if rank > 0:
        return None
    report(Progress(epoch=1, epochs=1, loss=float(total)))
    result = result_of(trial, started_at=float(total))
    write_result(workspace, result)
    return result
