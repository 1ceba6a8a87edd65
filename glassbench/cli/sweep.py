"""`glassbench sweep`: many trials from one plan, on whatever machines there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.conditions import AxisChoice
from ..contract.errors import WordError
from ..experiments.request import make_requests, task_of
from ..experiments.words import check_keys, parse_cluster, parse_run
from ..home.workspace import Workspace
from .output import Asked, Result, command, say
from .progress import Display, duration
from .tables import (
    ABSENT,
    Column,
    in_columns,
    in_pairs,
    in_table,
    number,
    place_lines,
    score_words,
    terminal_width,
)

if TYPE_CHECKING:
    from ..experiments.sweep.plan import SweepPlan
    from ..experiments.sweep.run import SweepReport, TrialState

OWN_KEYS = ("plan", "retries", "run")
OF_A_PLAN = ("plan", "cluster", "threads", "home", "run")
NOT_HERE = {
    "workers": "each trial of a sweep trains in one process: leave it out, or use `glassbench run`",
    "force": "a sweep never forgets what is finished: use `glassbench run`",
    "config": "a configuration is of one model: use `glassbench run`",
}
# Trials of one state that are named.
NAMED = 20


@command(None, plain="[status]")
def sweep(asked: Asked) -> Result:
    """Run many trials from one plan: several models, seeds and all conditions of a task.

    task=NAME model=NAME[,NAME] [target=NAME] [seed=0..4] [dataset=NAME|PATH]
    [temperature=…] [time=…]
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
    if asked.plain == ["status"]:
        return _status(asked)
    for word in asked.plain:
        raise WordError(f"`{word}` is not of the form key=value, as `model=botan`")
    values = asked.values
    for key, reason in NOT_HERE.items():
        if key in values:
            raise WordError(f"`{key}=`: {reason}")
    cluster, threads = parse_cluster(values.get("cluster", "auto")), asked.count("threads")
    shown = values.get("plan") == "on" or not asked.switch("run", "on")
    workspace = asked.workspace
    plan, path = _plan(asked, workspace)
    if shown:
        return _shown(plan, path)
    from ..cluster import execute
    from ..experiments.sweep.run import run_sweep

    if not asked.json:
        say(f"{plan.name}: {len(plan.planned)} trials; plan={path}")
    with Display(asked.json, total=len(plan.planned)) as display:
        report = run_sweep(
            plan, path, workspace, execute, display, cluster=cluster, threads=threads
        )
    runs = [
        {"series": plan.series[at].name, "record": run.record_path, "tracking": run.tracking}
        for at, run in report.reports.items()
    ]
    files = {"plan": report.plan_path, "summary": report.summary_path}
    plain = report.summary | files | {"runs": runs}
    failed = any(not outcome.finished for outcome in report.outcomes)
    return Result(plain, summary_lines(report, terminal_width()), failed)


def _plan(asked: Asked, workspace: Workspace) -> tuple[SweepPlan, Path]:
    from ..experiments.sweep.make import located, plan_of_requests, plan_path, store_plan
    from ..experiments.sweep.plan import RETRIES, read_plan

    values = asked.values
    path = asked.path("plan") if values.get("plan") != "on" else None
    if "task" not in values and path is not None:
        check_keys(values, OF_A_PLAN)
        return located(read_plan(path), workspace), path
    task = task_of(values, "; or give plan=FILE to go on with a plan")
    axes = [axis.name for axis in task.axes]
    request = parse_run(asked.values, axes, OWN_KEYS)
    everything = {axis: AxisChoice(everything=True) for axis in axes}
    request = replace(request, axes=everything | dict(request.axes))
    requests = make_requests(task, request, workspace)
    plan = plan_of_requests(requests, workspace, asked.count("retries", RETRIES, least=0))
    path = path or plan_path(plan, workspace)
    return store_plan(path, plan), path


def _shown(plan: SweepPlan, path: Path) -> Result:
    """Return a plan: one line for each run of trials of one series, in order of start."""
    from ..experiments.resources import local_capacity
    from ..experiments.sweep.run import seconds_left

    cores = local_capacity().cpus
    left = seconds_left((), [p.seconds for p in plan.planned], cores)
    order = [{"name": plan.trial(p).name, "key": p.key, "seconds": p.seconds} for p in plan.planned]
    about = {"plan": path, "digest": plan.digest, "name": plan.name, "trials": len(order)}
    groups = groupby(plan.planned, key=lambda p: (plan.series[p.series], p.seconds))
    rows = [
        (
            str(start),
            str(len(list(trials))),
            series.name,
            _range(series.seeds),
            str(len(series.conditions)),
            duration(seconds),
            str(series.needs.cpus),
            f"{series.needs.gpus:g}",
        )
        for start, ((series, seconds), trials) in enumerate(groups, start=1)
    ]
    titles = ("start>", "trials>", "model", "seeds", "conditions>", "each takes>")
    pairs = [
        ("trials", str(len(plan.planned))),
        ("expected", f"{duration(left)} on the {cores} cores of this machine"),
        ("plan", str(path)),
    ]
    plain = about | {"seconds_on_this_machine": left, "order": order}
    return Result(
        plain, [*in_table((*titles, "cores>", "GPUs>"), rows, keys=3), "", *in_pairs(pairs)]
    )


def _status(asked: Asked) -> Result:
    from ..experiments.sweep.make import with_estimates
    from ..experiments.sweep.plan import read_plan
    from ..experiments.sweep.run import RUNNING, WAITING, counts, seconds_left, trial_states

    check_keys(asked.values, ("plan", "home"))
    path, workspace = asked.path("plan"), asked.workspace
    if path is None:
        raise WordError("`plan=FILE` is missing: `glassbench sweep` names the file when it begins")
    plan = with_estimates(read_plan(path), workspace)
    states = trial_states(plan, workspace)
    running, waiting = (
        [s.seconds for s in states if s.state == state] for state in (RUNNING, WAITING)
    )
    left = seconds_left(running, waiting, max(1, len(running)))
    trials = [
        {"name": s.trial.name, "key": s.trial.key, "state": s.state, "words": s.message}
        for s in states
    ]
    plain = {"name": plan.name, "digest": plan.digest, "seconds_left": left, "trials": trials}
    return Result(plain | counts(states), _status_lines(plan, states, left))


def _status_lines(plan: SweepPlan, states: Sequence[TrialState], left: float | None) -> list[str]:
    from ..experiments.sweep.run import FAILED, RUNNING, STATES, counts

    counted = [
        (series.name, counts(each for each in states if each.series == position))
        for position, series in enumerate(plan.series)
    ]
    counted = [(name, count) for name, count in counted if any(count.values())]
    counted.append(("all", counts(states)))
    rows = [(name, *(str(count[state]) for state in STATES)) for name, count in counted]
    titles = ("model", *(f"{state}>" for state in STATES))
    lines = [plan.name, "", *in_table(titles, rows), ""]
    lines += in_pairs([("time left", duration(left))])
    for state in (RUNNING, FAILED):
        lines += _named(state, [(s.trial.name, s.message) for s in states if s.state == state])
    return lines


def summary_lines(report: SweepReport, width: int) -> list[str]:
    summary = report.summary
    lines = [f"{summary['name']}: {summary['metric']} [95 %]", ""]
    lines += [*score_table(summary, width), ""]
    for position, run in report.reports.items():
        if run.record_path is not None:
            places = place_lines(run.record_path, run.tracking, [])
            lines += [report.plan.series[position].name, *(f"  {line}" for line in places)]
    trials = summary["trials"]
    pairs = [
        ("trials", f"{trials['done']} done, {trials['failed']} failed"),
        ("plan", str(report.plan_path)),
        ("summary", str(report.summary_path)),
    ]
    lines += ["", *in_pairs(pairs)]
    return lines + _named("failed", [(t["name"], t["error"]) for t in summary["failed"]])


def score_table(summary: Mapping[str, Any], width: int) -> list[str]:
    """Return scores with intervals, one line a model and one column a condition."""
    conditions = summary["conditions"]
    axes = list(dict.fromkeys(axis for condition in conditions for axis in condition))
    varied = [a for a in axes if len({c.get(a) for c in conditions}) > 1] or axes[-1:]
    names = [row["name"] + (" (floor)" if row["floor"] else "") for row in summary["rows"]]
    columns: list[Column] = [("model", [*names, "ceiling"])]
    for position, condition in enumerate(conditions):
        title = " ".join(f"{axis}={condition[axis]:g}" for axis in varied if axis in condition)
        cells = [score_words(row["scores"][position]) for row in summary["rows"]]
        columns.append((title, [*cells, number(summary["ceiling"][position], ABSENT)]))
    return in_columns(columns, width)


def _named(state: str, trials: Sequence[tuple[str, str]]) -> list[str]:
    lines = [f"{state}  {name}: {message}" for name, message in trials[:NAMED]]
    return lines + ([f"{state}  and {len(trials) - NAMED} more"] if len(trials) > NAMED else [])


def _range(seeds: Sequence[int]) -> str:
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]}..{seeds[-1]}"
    return ",".join(map(str, seeds))
