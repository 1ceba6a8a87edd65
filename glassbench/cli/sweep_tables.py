"""The tables of a sweep: its plan, how far it is, and what it found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..experiments.sweep import SweepPlan
from ..experiments.sweep.state import DONE, FAILED, RUNNING, STATES, WAITING, Standing, counts
from ..experiments.sweep.time_left import seconds_left
from .columns import Column, in_columns, in_pairs
from .counter import duration
from .tables import ABSENT, UNDEFINED, place_lines

if TYPE_CHECKING:
    from ..cluster.sweep import SweepReport

FAILURES_SHOWN = 20
UNKNOWN = "unknown"


def plan_lines(plan: SweepPlan, path: Path, cores: int, width: int) -> list[str]:
    """Return the plan: one line for each run of trials of one series, in order of start."""
    groups = _groups(plan)
    rows = [(plan.series[place], seconds, count) for place, seconds, count in groups]
    columns = [
        Column("start", [str(position + 1) for position in range(len(rows))], True),
        Column("trials", [str(count) for _, _, count in rows], True),
        Column("model", [series.name for series, _, _ in rows]),
        Column("seeds", [_range(series.seeds) for series, _, _ in rows]),
        Column("conditions", [str(len(series.conditions)) for series, _, _ in rows], True),
        Column("each takes", [_seconds(seconds) for _, seconds, _ in rows], True),
        Column("cores", [str(series.needs.cpus) for series, _, _ in rows], True),
        Column("GPUs", [f"{series.needs.gpus:g}" for series, _, _ in rows], True),
    ]
    left = _left([p.seconds for p in plan.planned], cores)
    return [
        *in_columns(columns, width, keys=3),
        "",
        *in_pairs(
            [
                ("trials", str(len(plan.planned))),
                ("expected", f"{_seconds(left)} on the {cores} cores of this machine"),
                ("plan", str(path)),
            ]
        ),
    ]


def plan_plain(plan: SweepPlan, path: Path, cores: int) -> dict[str, Any]:
    """Return the plan as plain values."""
    return {
        "plan": str(path),
        "digest": plan.digest,
        "name": plan.name,
        "trials": len(plan.planned),
        "seconds_on_this_machine": _left([p.seconds for p in plan.planned], cores),
        "order": [{"name": p.trial.name, "key": p.key, "seconds": p.seconds} for p in plan.planned],
    }


def status_lines(
    plan: SweepPlan, found: Sequence[Standing], taken: Mapping[int, float], width: int
) -> list[str]:
    """Return how far a sweep is: by series, what runs now, and what failed.

    Parameters
    ----------
    taken : seconds of a trial by series, where one has finished
    """
    rows = []
    for place, series in enumerate(plan.series):
        of_series = [s for s in found if s.planned.series == place]
        if of_series:
            rows.append((series.name, counts(of_series)))
    rows.append(("all", counts(list(found))))
    columns = [Column("model", [name for name, _ in rows])]
    columns += [Column(state, [str(c[state]) for _, c in rows], True) for state in STATES]
    left = _status_left(found, taken)
    lines = [plan.name, "", *in_columns(columns, width), ""]
    lines += in_pairs([("time left", _seconds(left) if left is not None else UNKNOWN)])
    for state in (RUNNING, FAILED):
        lines += _some(state, [(s.planned.trial.name, s.words) for s in found if s.state == state])
    return lines


def status_plain(
    plan: SweepPlan, found: Sequence[Standing], taken: Mapping[int, float]
) -> dict[str, Any]:
    """Return how far a sweep is as plain values."""
    return {
        "name": plan.name,
        "digest": plan.digest,
        **counts(list(found)),
        "seconds_left": _status_left(found, taken),
        "trials": [
            {"name": s.planned.trial.name, "key": s.planned.key, "state": s.state, "words": s.words}
            for s in found
        ],
    }


def summary_lines(report: SweepReport, width: int) -> list[str]:
    """Return what a sweep found: models by conditions, then where its files are."""
    summary = report.summary
    lines = [f"{summary['name']}: {summary['metric']} [95 %]", ""]
    lines += [*score_table(summary, width), ""]
    for place, run in report.reports.items():
        if run.record_path is not None:
            name = report.plan.series[place].name
            lines += [
                name,
                *(f"  {line}" for line in place_lines(run.record_path, run.tracking, [])),
            ]
    done, failed = summary["trials"]["done"], summary["trials"]["failed"]
    lines += [
        "",
        *in_pairs(
            [
                ("trials", f"{done} done, {failed} failed"),
                ("plan", str(report.plan_path)),
                ("summary", str(report.summary_path)),
            ]
        ),
    ]
    return lines + _some(FAILED, [(t["name"], t["error"]) for t in summary["failed"]])


def score_table(summary: Mapping[str, Any], width: int) -> list[str]:
    """Return scores with intervals, one line a model and one column a condition."""
    conditions = summary["conditions"]
    axes = list(dict.fromkeys(axis for condition in conditions for axis in condition))
    varied = [a for a in axes if len({c.get(a) for c in conditions}) > 1] or axes[-1:]
    names = [row["name"] + (" (floor)" if row["floor"] else "") for row in summary["rows"]]
    columns = [Column("model", [*names, "ceiling"])]
    for place, condition in enumerate(conditions):
        title = " ".join(f"{axis}={condition[axis]:g}" for axis in varied if axis in condition)
        cells = [_score(row["scores"][place]) for row in summary["rows"]]
        ceiling = summary["ceiling"][place]
        columns.append(Column(title, [*cells, ABSENT if ceiling is None else f"{ceiling:.3f}"]))
    return in_columns(columns, width)


def _score(score: Mapping[str, Any] | None) -> str:
    if score is None:
        return ABSENT
    if score["value"] is None:
        return UNDEFINED
    interval = score["interval"]
    ends = f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else ""
    return f"{score['value']:.3f}{ends}"


def _groups(plan: SweepPlan) -> list[tuple[int, float | None, int]]:
    """Return runs of trials of one series and cost: series, seconds of each, number."""
    groups: list[tuple[int, float | None, int]] = []
    for planned in plan.planned:
        kind = (planned.series, planned.seconds)
        if groups and groups[-1][:2] == kind:
            groups[-1] = (*kind, groups[-1][2] + 1)
        else:
            groups.append((*kind, 1))
    return groups


def _left(seconds: Sequence[float | None], cores: int) -> float | None:
    return seconds_left((), seconds, cores)


def _status_left(found: Sequence[Standing], taken: Mapping[int, float]) -> float | None:
    """Return when the sweep ends with as many side by side as now, as far as can be told."""

    def expected(standing: Standing) -> float | None:
        return taken.get(standing.planned.series, standing.planned.seconds)

    running = [(expected(s), 0.0) for s in found if s.state == RUNNING]
    waiting = [expected(s) for s in found if s.state == WAITING]
    if not running and not waiting:
        return 0.0 if any(s.state == DONE for s in found) else None
    return seconds_left(running, waiting, max(1, len(running)))


def _some(state: str, named: Sequence[tuple[str, str]]) -> list[str]:
    lines = [f"{state}  {name}: {words}" for name, words in named[:FAILURES_SHOWN]]
    if len(named) > FAILURES_SHOWN:
        lines.append(f"{state}  and {len(named) - FAILURES_SHOWN} more")
    return lines


def _seconds(seconds: float | None) -> str:
    return UNKNOWN if seconds is None else duration(seconds)


def _range(seeds: Sequence[int]) -> str:
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]}..{seeds[-1]}"
    return ",".join(map(str, seeds))
