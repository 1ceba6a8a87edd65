"""The command of a user, as a process: `python -m tests.faults.driver HOME DATASET SEEDS …`.

It does what `glassbench run` does with the small model of this folder, prints the lines that a
user reads on stderr, and may be told to die at a point of the main job (`die=POINT`), or to do
something to the cluster (`script=NAME`, a function of `clusters.py`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path
from unittest import mock

import typer

from glassbench.cli.output import FAILED, guarded
from glassbench.cli.progress import Display as UserDisplay
from glassbench.cli.run import end_lines, score_lines
from glassbench.cluster import execute
from glassbench.contract.model_card import read_model_card
from glassbench.contract.task import read_task
from glassbench.contract.trial_plan import DatasetReference
from glassbench.datasets.view import open_view
from glassbench.experiments import conclude
from glassbench.experiments.request import BenchmarkRequest
from glassbench.home.workspace import open_workspace
from glassbench.model import Condition
from glassbench.tracking import delivery

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RUN = "tests.faults.injected:run"
# Points of the main job, in its order: a function, and whether the blow falls before or after it.
POINTS = {
    "before the record": (conclude, "_record", "before"),
    "before the record is written": (conclude, "_stored", "before"),
    "after the record is written": (conclude, "_stored", "after"),
    "between figures and delivery": (conclude, "_figures", "after"),
    "while it is delivered": (delivery, "_start", "after"),
    "after the delivery": (conclude, "deliver_all", "after"),
}


def make_request(dataset, seeds, cluster="none", workers=1, hyperparameters=()):
    task = read_task(ROOT / "tasks" / "ka_propensity")
    card = read_model_card(HERE / "crowding")
    return BenchmarkRequest(
        task=task,
        dataset=DatasetReference("tiny", str(dataset), open_view(task, dataset).digest),
        model=card,
        conditions=(Condition.of(temperature=0.64, time=5.0),),
        hyperparameters=dict(card.hyperparameters) | dict(hyperparameters),
        seeds=tuple(seeds),
        cluster=cluster,
        threads=1,
        workers=workers,
    )


@contextlib.contextmanager
def dying(point):
    """Have this process killed at a point of the main job."""
    if not point:
        yield
        return
    module, name, when = POINTS[point]
    original = getattr(module, name)

    def struck(*arguments, **options):
        result = original(*arguments, **options) if when == "after" else None
        os.kill(os.getpid(), signal.SIGKILL)
        return result

    with mock.patch.object(module, name, struck):
        yield


class Display(UserDisplay):
    """The lines of a user, and a hand in what happens."""

    def __init__(self, act) -> None:
        super().__init__()
        self.act = act

    def __call__(self, event) -> None:
        super().__call__(event)
        self.act(event)


def command(words) -> None:
    """Run the command and end this process with its status."""
    try:
        main(words)
    except typer.Exit as end:
        sys.exit(end.exit_code)


@guarded
def main(words) -> None:
    home, dataset, seeds, *options = words
    chosen = dict(option.split("=", 1) for option in options)
    request = make_request(
        Path(dataset),
        [int(seed) for seed in seeds.split(",")],
        chosen.get("cluster", "none"),
        int(chosen.get("workers", "1")),
        {"width": int(chosen["width"])} if "width" in chosen else {},
    )
    workspace = open_workspace(home)
    with contextlib.ExitStack() as stack:
        act = lambda event: None  # noqa: E731
        if "script" in chosen:
            from . import clusters

            act = stack.enter_context(getattr(clusters, chosen["script"])(workspace))
        stack.enter_context(dying(chosen.get("die")))
        report = conclude.run_benchmark(request, workspace, execute, Display(act), run=RUN)
    for line in (*score_lines(request.task, report), *end_lines(report, workspace)):
        print(line, file=sys.stderr)
    if any(outcome.error for outcome in report.outcomes):
        raise typer.Exit(FAILED)


if __name__ == "__main__":
    command(sys.argv[1:])
