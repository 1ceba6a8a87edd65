"""The tables of a sweep: its plan, its progress, and its scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..experiments.sweep import SweepPlan
from ..experiments.sweep.estimates import seconds_left
from ..experiments.sweep.state import FAILED, RUNNING, STATES, TrialState, counts
from .columns import Column, in_columns, in_pairs
from .progress import duration
from .tables import ABSENT, UNDEFINED, place_lines

if TYPE_CHECKING:
    from ..cluster.sweep import SweepReport

NAMED = 20


def plan_lines(plan: SweepPlan, path: Path, cores: int, width: int) -> list[str]:
    """Return the plan: one line for each run of trials of one series, in order of start."""
    groups = groupby(plan.planned, key=lambda p: (p.series, p.seconds))
    rows = [(plan.series[at], seconds, len(list(trials))) for (at, seconds), trials in groups]
    columns = [
        Column("start", [str(position + 1) for position in range(len(rows))], True),
        Column("trials", [str(count) for _, _, count in rows], True),
        Column("model", [series.name for series, _, _ in rows]),
        Column("seeds", [_range(series.seeds) for series, _, _ in rows]),
        Column("conditions", [str(len(series.conditions)) for series, _, _ in rows], True),
        Column("each takes", [_duration(seconds) for _, seconds, _ in rows], True),
        Column("cores", [str(series.needs.cpus) for series, _, _ in rows], True),
        Column("GPUs", [f"{series.needs.gpus:g}" for series, _, _ in rows], True),
    ]
    left = seconds_left((), [p.seconds for p in plan.planned], cores)
    pairs = [
        ("trials", str(len(plan.planned))),
        ("expected", f"{_duration(left)} on the {cores} cores of this machine"),
        ("plan", str(path)),
    ]
    return [*in_columns(columns, width, keys=3), "", *in_pairs(pairs)]


def plan_plain(plan: SweepPlan, path: Path, cores: int) -> dict[str, Any]:
    """Return the plan as plain values."""
    return {
        "plan": str(path),
        "digest": plan.digest,
        "name": plan.name,
        "trials": len(plan.planned),
        "seconds_on_this_machine": seconds_left((), [p.seconds for p in plan.planned], cores),
        "order": [
            {"name": plan.trial(p).name, "key": p.key, "seconds": p.seconds} for p in plan.planned
        ],
    }


def status_lines(
    plan: SweepPlan, states: Sequence[TrialState], left: float | None, width: int
) -> list[str]:
    """Return the progress of a sweep by series, what runs now, and what failed.

    Parameters
    ----------
    left : seconds until the last trial ends, None where they are unknown
    """
    rows = [
        (series.name, counts(each for each in states if each.series == position))
        for position, series in enumerate(plan.series)
    ]
    rows = [(name, counted) for name, counted in rows if any(counted.values())]
    rows.append(("all", counts(states)))
    columns = [Column("model", [name for name, _ in rows])]
    columns += [Column(state, [str(c[state]) for _, c in rows], True) for state in STATES]
    lines = [plan.name, "", *in_columns(columns, width), ""]
    lines += in_pairs([("time left", _duration(left))])
    for state in (RUNNING, FAILED):
        lines += _named(state, [(s.trial.name, s.message) for s in states if s.state == state])
    return lines


def status_plain(
    plan: SweepPlan, states: Sequence[TrialState], left: float | None
) -> dict[str, Any]:
    """Return the progress of a sweep as plain values."""
    return {
        "name": plan.name,
        "digest": plan.digest,
        **counts(states),
        "seconds_left": left,
        "trials": [
            {"name": s.trial.name, "key": s.trial.key, "state": s.state, "words": s.message}
            for s in states
        ],
    }


def summary_lines(report: SweepReport, width: int) -> list[str]:
    """Return the scores of a sweep, models by conditions, then where its files are."""
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
    return lines + _named(FAILED, [(t["name"], t["error"]) for t in summary["failed"]])


def score_table(summary: Mapping[str, Any], width: int) -> list[str]:
    """Return scores with intervals, one line a model and one column a condition."""
    conditions = summary["conditions"]
    axes = list(dict.fromkeys(axis for condition in conditions for axis in condition))
    varied = [a for a in axes if len({c.get(a) for c in conditions}) > 1] or axes[-1:]
    names = [row["name"] + (" (floor)" if row["floor"] else "") for row in summary["rows"]]
    columns = [Column("model", [*names, "ceiling"])]
    for position, condition in enumerate(conditions):
        title = " ".join(f"{axis}={condition[axis]:g}" for axis in varied if axis in condition)
        cells = [interval_words(row["scores"][position]) for row in summary["rows"]]
        ceiling = summary["ceiling"][position]
        columns.append(Column(title, [*cells, ABSENT if ceiling is None else f"{ceiling:.3f}"]))
    return in_columns(columns, width)


def interval_words(score: Mapping[str, Any] | None) -> str:
    """Return a score with its interval."""
    if score is None:
        return ABSENT
    if score["value"] is None:
        return UNDEFINED
    interval = score["interval"]
    ends = f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else ""
    return f"{score['value']:.3f}{ends}"


def _named(state: str, trials: Sequence[tuple[str, str]]) -> list[str]:
    lines = [f"{state}  {name}: {message}" for name, message in trials[:NAMED]]
    return lines + ([f"{state}  and {len(trials) - NAMED} more"] if len(trials) > NAMED else [])


def _duration(seconds: float | None) -> str:
    return "unknown" if seconds is None else duration(seconds)


def _range(seeds: Sequence[int]) -> str:
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]}..{seeds[-1]}"
    return ",".join(map(str, seeds))
