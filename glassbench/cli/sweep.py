"""`glassbench sweep`: many trials from one plan, on whatever machines there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..contract.conditions import AxisChoice, WordError
from ..experiments.request import make_requests
from ..experiments.words import (
    check_keys,
    parse_cluster,
    parse_count,
    parse_run,
    parse_switch,
    split_words,
)
from ..home.workspace import Workspace, open_workspace
from ..plugins.registry import load_task
from .columns import terminal_width
from .guard import FAILED, guarded, say
from .output import Json, Words, write_json, write_lines
from .progress import open_display

if TYPE_CHECKING:
    from ..cluster.sweep import SweepReport
    from ..experiments.sweep import SweepPlan

OWN_KEYS = ("plan", "retries", "run")
OF_A_PLAN = ("plan", "cluster", "threads", "home", "run")
NOT_HERE = {
    "workers": "each trial of a sweep trains in one process: leave it out, or use `glassbench run`",
    "force": "a sweep never forgets what is finished: use `glassbench run`",
    "config": "a configuration is of one model: use `glassbench run`",
}
STATUS = "status"


@guarded
def sweep(words: Words = None, json_output: Json = False) -> None:
    """Run many trials from one plan: several models, seeds and all conditions of a task.

    task=NAME model=NAME[,NAME] [seed=0..4] [dataset=NAME|PATH] [temperature=…] [time=…]
    [epochs=N] [model.HYPERPARAMETER=…] [retries=2] [floors=on|off] [plan=on|FILE] [run=off]
    [cluster=auto|local|HOST:PORT|ray://HOST:PORT|none] [threads=N] [home=FOLDER]

    plan=FILE alone goes on with a plan, on this machine or another one with the same data and
    models; `glassbench sweep status plan=FILE` tells how far it is. plan=on shows the plan, its
    order and what it is expected to take, and runs nothing; plan=FILE run=off does so and keeps
    it in that file.

    model=quick stands for the models that the task calls quick, model=all for all that serve it.
    Every condition of the task is taken unless temperature= and the like say otherwise. The
    longest trials start first, each on the cores, GPUs and memory that its model's card names.
    A trial whose worker dies goes on up to retries= times; one that fails does not stop the
    others. At the end there is one record for each model and one table for all.
    """
    words = list(words or [])
    if words and words[0] == STATUS:
        _show_status(words[1:], json_output)
        return
    values = split_words(words)
    for key, reason in NOT_HERE.items():
        if key in values:
            raise WordError(f"`{key}=`: {reason}")
    cluster = parse_cluster(values.get("cluster", "auto"))
    threads = parse_count("threads", values["threads"]) if "threads" in values else None
    shown = values.get("plan") == "on" or not parse_switch("run", values.get("run", "on"))
    workspace = open_workspace(values.get("home"))
    plan, path = _plan(words, values, workspace)
    if shown:
        _show_plan(plan, path, json_output)
        return
    from ..cluster.sweep import run_sweep
    from .sweep_tables import summary_lines

    if not json_output:
        say(f"{plan.name}: {len(plan.planned)} trials; plan={path}")
    with open_display(json_output, total=len(plan.planned)) as display:
        report = run_sweep(plan, path, workspace, display, cluster=cluster, threads=threads)
    if json_output:
        write_json(_report_plain(report))
    else:
        write_lines(summary_lines(report, terminal_width()))
    if any(not outcome.finished for outcome in report.outcomes):
        raise typer.Exit(FAILED)


def _plan(
    words: Sequence[str], values: Mapping[str, str], workspace: Workspace
) -> tuple[SweepPlan, Path]:
    """Return the plan that is asked for and its file: one that is there, or a new one."""
    from ..experiments.sweep.locate import open_plan
    from ..experiments.sweep.of_requests import plan_of_requests, plan_path, store_plan

    path = _path(values["plan"]) if values.get("plan", "on") != "on" else None
    if "task" not in values and path is not None:
        check_keys(values, OF_A_PLAN)
        return open_plan(path, workspace), path
    if "task" not in values:
        raise WordError(
            "`task=` is missing: `glassbench tasks` lists what there is; or give plan=FILE to go "
            "on with a plan"
        )
    task = load_task(values["task"])
    axes = [axis.name for axis in task.axes]
    of_run = [word for word in words if word.partition("=")[0].strip() not in OWN_KEYS]
    request = parse_run(of_run, axes)
    everything = {axis: AxisChoice(everything=True) for axis in axes}
    request = replace(request, axes=everything | dict(request.axes))
    requests = make_requests(task, request, workspace)
    plan = plan_of_requests(requests, workspace, _retries(values))
    path = path or plan_path(plan, workspace)
    return store_plan(path, plan), path


def _retries(values: Mapping[str, str]) -> int:
    from ..experiments.sweep import RETRIES

    text = values.get("retries", str(RETRIES))
    if not (text.isascii() and text.isdigit()):
        raise WordError(f"`retries={text}` is not a whole number of 0 or more")
    return int(text)


def _path(word: str) -> Path:
    return Path(word).expanduser().absolute()


def _report_plain(report: SweepReport) -> dict[str, Any]:
    runs = [
        {
            "series": report.plan.series[place].name,
            "record": run.record_path and str(run.record_path),
            "tracking": dict(run.tracking),
        }
        for place, run in report.reports.items()
    ]
    return dict(report.summary) | {
        "plan": str(report.plan_path),
        "summary": str(report.summary_path),
        "runs": runs,
    }


def _show_plan(plan: SweepPlan, path: Path, json_output: bool) -> None:
    from ..experiments.resources import local_capacity
    from .sweep_tables import plan_lines, plan_plain

    cores = local_capacity().cpus
    if json_output:
        write_json(plan_plain(plan, path, cores))
    else:
        write_lines(plan_lines(plan, path, cores, terminal_width()))


def _show_status(words: Sequence[str], json_output: bool) -> None:
    """Show the progress of a plan from the trials' folders, whoever runs it."""
    from ..experiments.sweep import read_plan
    from ..experiments.sweep.state import time_left, trial_states
    from .sweep_tables import status_lines, status_plain

    values = split_words(words)
    check_keys(values, ("plan", "home"))
    if "plan" not in values:
        raise WordError("`plan=FILE` is missing: `glassbench sweep` names the file when it begins")
    plan = read_plan(_path(values["plan"]))
    workspace = open_workspace(values.get("home"))
    states = trial_states(plan, workspace)
    left = time_left(states, workspace)
    if json_output:
        write_json(status_plain(plan, states, left))
    else:
        write_lines(status_lines(plan, states, left, terminal_width()))
