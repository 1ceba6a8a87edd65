"""`glassbench study` and `glassbench studies`: the studies of the papers as named sweeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..contract.conditions import WordError
from ..experiments.words import split_words
from ..home.workspace import Workspace, open_workspace
from ..plugins.registry import load_task
from ..trial.result import TrialResult
from .columns import Column, in_columns, in_pairs, terminal_width
from .guard import FAILED, guarded, say
from .output import Json, Words, write_json, write_lines
from .progress import open_display
from .tables import ABSENT, UNDEFINED

if TYPE_CHECKING:
    from ..experiments.events import Event
    from ..experiments.study import PlannedStudy


@guarded
def studies(json_output: Json = False) -> None:
    """List the studies of the papers that `glassbench study` does."""
    from ..experiments.study import STUDIES

    if json_output:
        write_json({"studies": [_study_plain(study) for study in STUDIES]})
        return
    write_lines(
        in_columns(
            [
                Column("study", [study.name for study in STUDIES]),
                Column("values", [",".join(study.values) or ABSENT for study in STUDIES]),
                Column("varies", [study.title for study in STUDIES]),
                Column("after", [study.source for study in STUDIES]),
            ],
            terminal_width(),
        )
    )


@guarded
def study(words: Words = None, json_output: Json = False) -> None:
    """Do a study of the papers: one command, one figure.

    NAME task=NAME model=NAME[,NAME] [values=…] [seed=0,1,2|0..4] [dataset=NAME|PATH]
    [temperature=…] [time=…] [epochs=N] [model.HYPERPARAMETER=…]
    [cluster=auto|local|HOST:PORT|ray://HOST:PORT|none] [threads=N] [floors=on|off] [home=FOLDER]

    `glassbench studies` lists the names, what each varies and its values.

    The table on stdout, the results file and the figure hold the score at each value with
    floors and noise ceiling. What is finished is not computed again: the same words go on.
    A study makes no record: what it varies is not the standard use of the dataset.
    """
    from ..experiments.study import plan_study

    request, task = _understand(list(words or []))
    workspace = open_workspace(request.run.home)
    planned = plan_study(task, request, workspace)
    if not json_output:
        say(f"{planned.plan.name}: {len(planned.plan.planned)} trials")
    with open_display(json_output, total=len(planned.plan.planned)) as display:
        results, failures = _execute(planned, workspace, display)
    plain, places = _write(planned, results, failures, workspace)
    if json_output:
        write_json(plain | {"files": {name: str(path) for name, path in places}})
    else:
        write_lines(report_lines(plain, places, terminal_width()))
    if failures:
        raise typer.Exit(FAILED)


def _understand(words: Sequence[str]):
    """Return the request and its task."""
    from ..experiments.study import STUDIES, find_study, parse_study

    if not words or "=" in words[0]:
        names = ", ".join(study.name for study in STUDIES)
        raise WordError(f"the first word names the study, one of {names}")
    found, rest = find_study(words[0]), words[1:]
    values = split_words(rest)
    if "task" not in values:
        raise WordError("`task=` is missing: `glassbench tasks` lists what there is")
    task = load_task(values["task"])
    return parse_study(found, rest, [axis.name for axis in task.axes]), task


def _execute(
    planned: PlannedStudy, workspace: Workspace, on_event: Callable[[Event], None]
) -> tuple[dict[str, TrialResult], dict[str, str]]:
    """Run the trials of a study; return results, and errors of those that failed, by key."""
    from ..cluster import execute
    from ..experiments.resources import Terms

    run, results, failures = planned.request.run, {}, {}
    needs = {series.model.digest: series.needs for series in planned.plan.series}
    # Trials that several workers train together take the machine one after another.
    alone = Terms(needs=lambda trial: needs[trial.model.digest], defer=True)
    for trials in planned.stages:
        outcomes = execute(
            trials,
            workspace,
            cluster=run.cluster,
            on_event=on_event,
            cpus_per_trial=run.threads,
            workers=run.workers,
            terms=alone if run.workers == 1 else None,
        )
        for outcome in outcomes:
            if outcome.result is not None:
                results[outcome.trial.key] = outcome.result
            else:
                failures[outcome.trial.key] = outcome.error or "it left no result"
    return results, failures


def _write(
    planned: PlannedStudy,
    results: Mapping[str, TrialResult],
    failures: Mapping[str, str],
    workspace: Workspace,
) -> tuple[dict[str, Any], list[tuple[str, Path]]]:
    from ..experiments.study import draw_study, study_results, write_results

    plain = study_results(planned, results, failures)
    folder = workspace.home / "studies" / planned.stem
    places = [("results", write_results(folder / "results.json", plain))]
    drawn = draw_study(plain, folder / "figure.png")
    return plain, [*places, *zip(("figure", "figure_svg"), drawn, strict=True)]


def report_lines(
    plain: Mapping[str, Any], places: Sequence[tuple[str, Path]], width: int
) -> list[str]:
    """Return what a study hands to people: its table, what failed, and where its files are."""
    rows = [
        (panel, curve, point)
        for panel in plain["panels"]
        for curve in panel["curves"]
        for point in curve["points"]
    ]
    keys = [
        Column("at", [panel["title"] or ABSENT for panel, _, _ in rows]),
        Column("curve", [curve["label"] for _, curve, _ in rows]),
    ]
    # What is the same in all rows stands above them.
    above = [column for column in keys if len(set(column.cells)) == 1]
    keys = [column for column in keys if column not in above]
    axis = _bare(plain["axis"]["label"])
    keys.append(Column(axis, [point["text"] for _, _, point in rows], True))
    columns = [
        Column("score [95 %]", [_score(point) for _, _, point in rows]),
        Column("median (worst … best)", [_spread(point) for _, _, point in rows]),
        Column("ceiling", [_at(p["ceilings"][c["metric"]], point) for p, c, point in rows], True),
        Column("best floor", [_best_floor(*row) for row in rows]),
    ]
    lines = [plain["title"], f"after {plain['source']}"]
    lines += [", ".join(column.cells[0] for column in above), ""]
    columns = [column for column in columns if set(column.cells) != {ABSENT}]
    lines += [*in_columns([*keys, *columns], width, keys=len(keys)), ""]
    for panel in plain["panels"]:
        for curve in panel["curves"]:
            if "unperturbed" in curve:
                lines.append(
                    f"{curve['label']}, {panel['title']}, unperturbed: "
                    f"{_score(curve['unperturbed'])}"
                )
    lines += [
        f"failed  {t['name']}, {t['setting'] or 'as usual'}: {t['error']}"
        for t in plain["trials"]
        if t["error"]
    ]
    return [*lines, plain["note"], *in_pairs([(name, str(path)) for name, path in places])]


def _score(point: Mapping[str, Any]) -> str:
    if not point["seeds"]:
        return ABSENT
    if point["value"] is None:
        return UNDEFINED
    interval = point["interval"]
    ends = f" [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else ""
    return f"{point['value']:.3f}{ends}"


def _spread(point: Mapping[str, Any]) -> str:
    if point["value"] is None or len(point["seeds"]) < 2:
        return ABSENT
    return f"{point['median']:.3f} ({point['worst']:.3f} … {point['best']:.3f})"


def _at(entries: Sequence[Mapping[str, Any]], point: Mapping[str, Any]) -> str:
    found = [e["value"] for e in entries if e["x"] == point["x"] and e["value"] is not None]
    return f"{found[0]:.3f}" if found else ABSENT


def _best_floor(
    panel: Mapping[str, Any], curve: Mapping[str, Any], point: Mapping[str, Any]
) -> str:
    at_point = [
        (entry["value"], floor["model"])
        for floor in panel["floors"]
        if floor["metric"] == curve["metric"]
        for entry in floor["points"]
        if entry["x"] == point["x"] and entry["value"] is not None
    ]
    return "{1} {0:.3f}".format(*max(at_point)) if at_point else ABSENT


def _bare(label: str) -> str:
    """Return the label of an axis without its unit."""
    return label.partition(" (")[0]


def _study_plain(study) -> dict[str, Any]:
    return {
        "name": study.name,
        "title": study.title,
        "source": study.source,
        "values": list(study.values),
        "seeds": list(study.seeds),
        "options": dict(study.varies.options),
    }
