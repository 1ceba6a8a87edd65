"""What it takes to reproduce a published table, and how near a run of it came.

    python benchmarks/reproduce.py botan                    # the commands for a cluster, the table
    python benchmarks/reproduce.py botan cost [dataset=published_small] [threads=1] [device=cpu]

What is reproduced stands in `benchmarks/reproduce_NAME.toml`. `cost` trains three epochs on
three training configurations of a dataset that is here, of the published size of 4096 particles.
What the steps after the first epoch cost, without what happens once, is scaled to all
configurations, epochs, conditions and seeds of the file. Once a record of the model lies in
the workspace, the first command holds it to the published numbers.
"""

from __future__ import annotations

import sys
import tempfile
import time
import tomllib
from dataclasses import replace
from pathlib import Path

from glassbench.contract.conditions import AxisChoice
from glassbench.contract.task import reported_at
from glassbench.contract.trial_plan import Variation
from glassbench.experiments.request import make_requests, model_trials
from glassbench.experiments.words import RunRequest, parse_seeds, split_words
from glassbench.home.workspace import open_workspace
from glassbench.model import Condition, Progress
from glassbench.plugins.datasets import find_dataset
from glassbench.plugins.registry import load_task
from glassbench.plugins.task_modules import find_reader
from glassbench.record.record import read_records
from glassbench.trial.run import run_trial

FOLDER = Path(__file__).parent
MEASURED = EPOCHS = 3


def read_plan(name: str) -> dict:
    path = FOLDER / f"reproduce_{name}.toml"
    if not path.is_file():
        known = sorted(p.stem.removeprefix("reproduce_") for p in FOLDER.glob("reproduce_*.toml"))
        raise SystemExit(f"there is no {path.name}: give one of {', '.join(known)}")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def commands(plan: dict) -> list[str]:
    """Return what is to be run on a cluster, where the data are."""
    words = [f"model.{key}={value}" for key, value in plan["hyperparameters"].items()]
    sweep = f"task={plan['task']} dataset={plan['dataset']} model={plan['model']}"
    return [
        f"glassbench data download {plan['dataset']}",
        f"glassbench sweep {sweep} seed={plan['seeds']} {' '.join(words)} cluster=auto",
    ]


def measured_step(plan: dict, dataset: str, threads: int, device: str) -> tuple[float, float]:
    """Return wall and CPU seconds of one step on one configuration, evaluation included."""
    here, task = open_workspace(), load_task(plan["task"])
    # A dataset of the workspace is named by its path: the trial lies in a home of its own.
    path = str(find_dataset(task, dataset, here).path)
    own = {k: str(v) for k, v in plan["hyperparameters"].items()} | {"epochs": str(EPOCHS)}
    ends: dict[int, tuple[float, float]] = {}

    def note(progress: Progress) -> None:
        ends.setdefault(progress.epoch, (time.perf_counter(), time.process_time()))

    with tempfile.TemporaryDirectory(prefix="glassbench-") as home:
        workspace = open_workspace(home)
        axes = {axis.name: AxisChoice(everything=True) for axis in task.axes}
        asked = RunRequest(
            task.name, (plan["model"],), path, axes, hyperparameters=own, floors=False
        )
        (request,) = make_requests(task, asked, workspace)
        trial = model_trials(request)[-1]
        few = replace(trial, variation=Variation(training_configurations=MEASURED))
        run_trial(few, workspace, report=note, device=device, threads=threads)
    (wall, cpu), (wall_last, cpu_last) = ends[1], ends[EPOCHS]
    steps = MEASURED * (EPOCHS - 1)
    return (wall_last - wall) / steps, (cpu_last - cpu) / steps


def print_cost(plan: dict, words: dict[str, str]) -> None:
    dataset, device = words.get("dataset", "published_small"), words.get("device", "cpu")
    threads = int(words.get("threads", "1"))
    step, cpu = measured_step(plan, dataset, threads, device)
    seeds, epochs = len(parse_seeds(plan["seeds"])), int(plan["hyperparameters"]["epochs"])
    steps = plan["configurations"] * epochs
    hours = step * steps / 3600
    # The temperatures and times of the published files.
    times = find_reader("botan").load().BOTAN_TIMES
    trials = sum(map(len, times.values())) * seeds
    print(f"one step on one configuration: {step:.3g} s on {device}, {cpu:.3g} CPU s")
    print(
        f"one trial: {steps} steps, {hours:.3g} hours; {trials} trials: {trials * hours:.4g} hours"
    )


def print_comparison(plan: dict) -> None:
    reported, task = plan.get("reported"), load_task(plan["task"])
    if reported is None:
        print("no published numbers are held: the record stands for itself")
        return
    records = [
        record
        for _, record in read_records(open_workspace().records)[0]
        if record["model"]["name"] == plan["model"] and record["dataset"]["name"] == plan["dataset"]
    ]
    if not records:
        print(f"no record of {plan['model']} on {plan['dataset']} is here yet")
        return
    metric, near, rows = task.primary_metric.name, 0, 0
    for entry in records[-1]["conditions"]:
        condition = Condition.of(**entry["condition"])
        for number in reported_at(task, reported["dataset"], condition):
            if (number.model, number.metric) != (reported["model"], metric):
                continue
            own, rows = entry["scores"][metric]["value"], rows + 1
            within = own is not None and abs(own - number.value) <= reported["tolerance"]
            near += within
            said = "within" if within else "off"
            print(f"{condition.name:32} measured {own} published {number.value:.3f}  {said}")
    print(f"{near} of {rows} within {reported['tolerance']}")


def main(words: list[str]) -> None:
    if not words:
        raise SystemExit(__doc__)
    plan = read_plan(words[0])
    if words[1:2] == ["cost"]:
        print_cost(plan, split_words(words[2:]))
        return
    print("\n".join(commands(plan)))
    print_comparison(plan)


if __name__ == "__main__":
    main(sys.argv[1:])
