"""One trial on several workers, through Ray Train.

The number of workers changes nothing in a result but its last digits, and not even those
where the examples of a batch are whole structures (see `training.distribution`). So it may
change in the middle: where a machine is lost, the training goes on with those that are
left, and takes up others when they come.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast
from unittest import mock

from ..experiments.resources import Needs
from ..experiments.tuning.running import Fit, RunningTrial
from ..experiments.tuning.study import TuningStudy
from ..home.files import write_file
from ..home.workspace import Workspace
from ..trial.attempt import Attempt, Job, Tell, attempt, attempt_among_workers
from ..trial.process import ProgressReader, repeated, write_progress
from ..trial.result import read_result

POLL = 0.5
# Ray finds dead workers by itself; the others wait while the first one validates, or waits
# for another run of the same trial.
TIMEOUT = 7 * 24 * 3600
STORAGE = "train"
# What a trial leaves when it is trained: the rest is for one worker.
FITTED, PREDICTIONS = "fitted", "predictions.npz"
# In the trial's folder: the first worker ends when it is there, and Ray Train ends the others.
STOP = "stop"
SETTINGS = {
    # Ray Train looks at its workers every 2 s unless told otherwise, and a report waits for it.
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.1",
    "RAY_TRAIN_V2_ENABLED": "1",
}
# What a worker raises when another one is gone, in the words of gloo, torch and NCCL.
LOST_PEER = ("closed by peer", "reset by peer", "DistBackendError", "NCCL")


class TrialRaised(RuntimeError):
    """The trial raised on a worker: another attempt would raise again."""


def execute_distributed(
    job: Job, workers: int, share: Needs, tell: Tell, max_failures: int = 2
) -> Attempt:
    """Train one trial on several workers together, with torch.distributed initialised on each.

    The first worker alone holds the trial's folder, reports and writes. Where one dies, all are
    replaced, up to `max_failures` times, and go on from the checkpoint with as many as there is
    room for. A batch of fewer examples has no work for the other workers; `share` is what one
    takes. `tell` is called from a thread of its own. Needs a connection to Ray.
    """
    batch = job.trial.hyperparameters.get("batch_size")
    if isinstance(batch, int) and batch < workers:
        tell("noted", None, f"a batch has {batch} examples: {workers} workers were asked for, "
             f"{batch} train; model.batch_size={workers} would employ all")  # fmt: skip
        workers = batch
    failures = 0
    workspace = job.workspace
    folder = workspace.trial_folder(job.trial.key)
    (folder / STOP).unlink(missing_ok=True)
    while True:
        workers = 1 if _is_trained(job) else workers
        with _telling(job, tell):
            died = _fit(job, workers, share, failures)
        result = read_result(workspace, job.trial)
        if result is not None:
            return Attempt(result)
        if isinstance(died, Attempt):
            return died
        if (folder / STOP).exists():
            return Attempt(None, "the trial was stopped")
        failures += 1
        if failures > max_failures:
            return Attempt(None, f"its workers died {failures} times: {died}")
        message = f"a worker died; attempt {failures + 1} of {max_failures + 1} goes on"
        tell("retried", None, message)


def stop_workers(folder: Path) -> None:
    """End the workers of a trial with this folder, so that Ray Train gives their cores back.

    Where the process that waits for them were killed instead, their cores would stay reserved:
    Ray Train then frees them only on a cluster with a dashboard.
    """
    write_file(folder / STOP, b"")


def _end_when_stopped(folder: Path) -> None:
    while not (folder / STOP).exists():
        time.sleep(POLL)
    os._exit(1)


def _is_trained(job: Job) -> bool:
    """Return whether what is left of the trial, or all of it, needs no training."""
    own, same_fit = (job.workspace.trial_folder(k) for k in (job.trial.key, job.trial.fit_key))
    return any(path.exists() for path in (own / PREDICTIONS, own / FITTED, same_fit / FITTED))


def _fit(job: Job, workers: int, share: Needs, failures: int) -> Attempt | str:
    """Return the attempt if it came to an end of its own, or else how its workers died."""
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer
    from ray.train.v2.api.exceptions import TrainingFailedError

    logging.getLogger("ray.train").setLevel(logging.ERROR)
    resources = {"CPU": float(share.cpus)} | ({"GPU": share.gpus} if share.gpus else {})
    with mock.patch.dict(os.environ, SETTINGS):
        trainer = TorchTrainer(
            _on_worker,
            train_loop_config={"job": job, "workers": workers},
            torch_config=TorchConfig(backend=backend_of(share), timeout_s=TIMEOUT),
            scaling_config=ScalingConfig(
                # Elastic: as many as there is room for, more when there is room for more.
                num_workers=cast(Any, (1, workers) if workers > 1 else 1),
                use_gpu=share.gpus > 0,
                resources_per_worker=resources,
            ),
            # Ray Train would take up an earlier run of the same name; the trial resumes by itself.
            run_config=RunConfig(
                name=f"{job.trial.key}-{os.getpid()}-{failures}",
                storage_path=str(job.workspace.home / STORAGE),
                failure_config=FailureConfig(max_failures=0),
            ),
        )
        handler = signal.getsignal(signal.SIGINT)
        try:
            trainer.fit()
        except TrainingFailedError as error:
            raised = _raised_by_trial(error)
            return Attempt(None, raised) if raised else str(error)[:400]
        finally:
            # Ray Train leaves a handler of its own, which would swallow the next two Ctrl-C.
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGINT, handler)
    return Attempt(None, "every worker returned and none left a result")


def backend_of(share: Needs) -> str:
    """Return what workers speak: NCCL, which refuses two workers on one GPU, or gloo."""
    return "nccl" if share.gpus >= 1 else "gloo"


def _on_worker(config: dict) -> None:
    from ray.train import get_context
    from ray.train.torch import get_device

    from ..training import distribution

    job: Job = config["job"]
    rank, present = get_context().get_world_rank(), get_context().get_world_size()
    if job.device != "cpu":
        # The GPUs of one machine are visible to all workers there, and each has one of them.
        job = replace(job, device=str(get_device()))
    folder = job.workspace.trial_folder(job.trial.key)
    if rank == 0:
        threading.Thread(target=_end_when_stopped, args=(folder,), daemon=True).start()
    if rank == 0 and present < config["workers"]:
        message = f"{present} of {config['workers']} workers train: no room for more"
        write_progress(folder, "noted", None, message)
    trained = distribution.from_first_worker(float(rank == 0 and _is_trained(job)), job.device)
    if trained and rank > 0:
        return
    ended = attempt_among_workers(job, rank)
    if ended.error is not None:
        raise TrialRaised(ended.error)


def _raised_by_trial(error: Exception) -> str | None:
    """Return what the trial raised, or None where a worker died: all raise then."""
    failures = list(getattr(error, "worker_failures", {}).values())
    if not all(isinstance(failure, TrialRaised) for failure in failures):
        return None
    words = [str(failure) for failure in failures]
    own = [text for text in words if not any(sign in text for sign in LOST_PEER)]
    return own[0] if own else None


@contextlib.contextmanager
def _telling(job: Job, tell: Tell) -> Iterator[None]:
    """Hand on what the first worker tells, while this thread waits for Ray Train."""
    reader = ProgressReader(job.workspace.trial_folder(job.trial.key))

    def hand_on() -> None:
        for kind, progress, message in reader.new():
            tell(kind, progress, message)

    try:
        with repeated(hand_on, POLL, "progress"):
            yield
    finally:
        hand_on()


@dataclass(frozen=True)
class SharedByTrials:
    """What all trials of a study share; `share` is that of one of the workers of a fit."""

    study: TuningStudy
    job: Job
    share: Needs
    workers: int = 1
    max_failures: int = 2

    @property
    def processors(self) -> tuple[int, int]:
        """Return how many cores and GPUs other processes than this one keep busy."""
        gpus = self.workers if self.job.device.startswith("cuda") else 0
        return (self.workers * self.job.threads if self.workers > 1 else 0), gpus


def new_fit(job: Job, workers: int, share: Needs, max_failures: int) -> Fit:
    if workers == 1:
        return Fit(lambda tell: attempt(job, tell))

    return Fit(
        lambda tell: execute_distributed(job, workers, share, tell, max_failures),
        end_workers=lambda: stop_workers(job.workspace.trial_folder(job.trial.key)),
    )


def open_trial(
    setting: SharedByTrials, index: int, hyperparameters: Mapping[str, Any]
) -> RunningTrial:
    """Return a trial of the study, ready to continue from where it is."""
    study, workspace = setting.study, Workspace(Path(setting.job.home))
    if study.scheduler == "pbt":
        # The hyperparameters of a population change under way: its fits are its own.
        workspace = Workspace(study.folder(workspace) / "population" / str(index))
    job = replace(setting.job, home=str(workspace.home))
    return RunningTrial(
        study.fits(hyperparameters),
        workspace,
        lambda trial: new_fit(
            replace(job, trial=trial), setting.workers, setting.share, setting.max_failures
        ),
        study.metric,
        setting.processors,
    )
