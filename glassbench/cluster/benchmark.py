"""The main job: a model and the floors on a task, from trials to record, figures and tracking."""

from __future__ import annotations

from collections.abc import Callable

from ..experiments.conclude import RunReport, conclude, hand_over
from ..experiments.events import Event
from ..experiments.request import BenchmarkRequest, floor_trials, model_trials
from ..home.workspace import Workspace
from ..tracking import end_preparation, prepare_store
from ..trial.attempt import RUN_TRIAL
from .execute import execute


def run_benchmark(
    request: BenchmarkRequest,
    workspace: Workspace,
    on_event: Callable[[Event], None] = lambda event: None,
    *,
    run: str = RUN_TRIAL,
    max_failures: int = 2,
) -> RunReport:
    """Run a request to its end: every trial, then record, figures and delivery to MLflow.

    What is finished is not done again, so that the same request continues after
    any interruption. Where some trials fail, the record is made from the others.

    Raises
    ------
    ClusterError
        If the cluster cannot be reached.
    KeyboardInterrupt
        After the workers have been stopped.
    """
    preparation = prepare_store(workspace)
    try:
        trials, floors = model_trials(request), floor_trials(request)
        outcomes = execute(
            [*trials, *floors],
            workspace,
            cluster=request.cluster,
            on_event=on_event,
            max_failures=max_failures,
            cpus_per_trial=request.threads,
            gpus_per_trial=request.model.resources["gpus"],
            workers=request.workers,
            run=run,
        )
        own, others = outcomes[: len(trials)], outcomes[len(trials) :]
        concluded = conclude(request, workspace, own, others)
    except BaseException:
        end_preparation(preparation)
        raise
    return hand_over([concluded], workspace)[0]
