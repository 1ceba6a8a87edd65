"""`glassbench study` and `glassbench studies`: the studies of papers as named sweeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..contract.errors import WordError
from ..experiments.request import task_of
from ..home.files import write_json as write_json_file
from ..home.workspace import Workspace
from .output import Asked, Result, command, say
from .progress import Display
from .tables import (
    ABSENT,
    Column,
    in_columns,
    in_pairs,
    in_table,
    number,
    score_words,
    terminal_width,
)

if TYPE_CHECKING:
    from ..contract.task import Task
    from ..experiments.jobs import Event
    from ..experiments.study.declaration import StudyRequest
    from ..experiments.study.planning import PlannedStudy
    from ..trial.result import TrialResult

Plain = Mapping[str, Any]


@command()
def studies(asked: Asked) -> Result:
    """List the studies of the papers that `glassbench study` does."""
    from ..experiments.study.declaration import list_studies

    declared = list_studies()
    keys = {"name", "title", "source", "values", "seeds", "options"}
    plain = {"studies": [study.model_dump(mode="json", include=keys) for study in declared]}
    rows = [(s.name, ",".join(s.values) or ABSENT, s.title, s.source) for s in declared]
    return Result(plain, in_table(("study", "values", "varies", "after"), rows))


@command(None, plain="NAME")
def study(asked: Asked) -> Result:
    """Do a study of the papers: one command, one figure.

    NAME task=NAME model=NAME[,NAME] [target=NAME] [values=…] [seed=0,1,2|0..4]
    [dataset=NAME|PATH]
    [temperature=…] [time=…] [epochs=N] [model.HYPERPARAMETER=…]
    [cluster=auto|local|HOST:PORT|ray://HOST:PORT|none] [threads=N] [floors=on|off] [home=FOLDER]

    `glassbench studies` lists the names, what each varies and its values.

    The table on stdout, the results file and the figure hold the score at each value with
    floors and noise ceiling. Finished trials are not run again: the same words continue.
    A study makes no record: what it varies is not the standard use of the dataset.
    """
    from ..experiments.study.outcome import study_results
    from ..experiments.study.planning import plan_study
    from ..figures.scores import draw_study

    request, task = _understand(asked)
    workspace = asked.workspace
    planned = plan_study(task, request, workspace)
    if not asked.json:
        say(f"{planned.plan.name}: {len(planned.plan.planned)} trials")
    with Display(asked.json, total=len(planned.plan.planned)) as display:
        results, failures = _execute(planned, workspace, display)
    plain = study_results(planned, results, failures)
    folder = workspace.home / "studies" / planned.stem
    write_json_file(folder / "results.json", plain)
    png, svg = draw_study(plain, folder / "figure.png")
    files = {"results": str(folder / "results.json"), "figure": str(png), "figure_svg": str(svg)}
    lines = [*report_lines(plain, terminal_width()), *in_pairs(list(files.items()))]
    return Result({**plain, "files": files}, lines, bool(failures))


def _understand(asked: Asked) -> tuple[StudyRequest, Task]:
    from ..experiments.study.declaration import find_study, list_studies
    from ..experiments.study.planning import parse_study

    if len(asked.plain) != 1:
        names = ", ".join(study.name for study in list_studies())
        raise WordError(f"the first word names the study, one of {names}")
    chosen, task = find_study(asked.plain[0]), task_of(asked.values)
    return parse_study(chosen, asked.values, [axis.name for axis in task.axes]), task


def _execute(
    planned: PlannedStudy, workspace: Workspace, on_event: Callable[[Event], None]
) -> tuple[dict[str, TrialResult], dict[str, str]]:
    """Run the trials of a study; return results, and errors of those that failed, by key."""
    from ..cluster.execute import execute
    from ..experiments.sweep.run import terms_of

    run = planned.request.run
    # Trials that several workers train together take the machine one after another.
    terms = replace(terms_of(planned.plan), keep_results=True) if run.workers == 1 else None
    how: dict[str, Any] = {
        "cluster": run.cluster,
        "cpus_per_trial": run.threads,
        "workers": run.workers,
    }
    outcomes = [
        outcome
        for trials in planned.stages
        for outcome in execute(trials, workspace, on_event=on_event, terms=terms, **how)
    ]
    results = {o.trial.key: o.result for o in outcomes if o.result is not None}
    failures = {o.trial.key: str(o.error) for o in outcomes if o.result is None}
    return results, failures


def report_lines(plain: Plain, width: int) -> list[str]:
    rows = [
        (panel, curve, point)
        for panel in plain["panels"]
        for curve in panel["curves"]
        for point in curve["points"]
    ]
    keys: list[Column] = [
        ("at", [panel["title"] or ABSENT for panel, _, _ in rows]),
        ("curve", [curve["label"] for _, curve, _ in rows]),
    ]
    # What is the same in all rows stands above them.
    above = [cells[0] for _, cells in keys if len(set(cells)) == 1]
    keys = [(title, cells) for title, cells in keys if len(set(cells)) > 1]
    axis = plain["axis"]["label"].partition(" (")[0]
    keys.append((f"{axis}>", [point["text"] for _, _, point in rows]))
    better = plain["higher_is_better"]
    columns: list[Column] = [
        ("score [95 %]", [score_words(p if p["seeds"] else None) for _, _, p in rows]),
        ("median (worst … best)", [_spread(point) for _, _, point in rows]),
        ("ceiling>", [_ceiling(*row) for row in rows]),
        ("best floor", [_best_floor(*row, better[row[1]["metric"]]) for row in rows]),
    ]
    columns = [(title, cells) for title, cells in columns if set(cells) != {ABSENT}]
    lines = [plain["title"], f"after {plain['source']}", ", ".join(above), ""]
    lines += [*in_columns([*keys, *columns], width, keys=len(keys)), ""]
    for panel in plain["panels"]:
        for curve in panel["curves"]:
            if "unperturbed" in curve:
                score = score_words(curve["unperturbed"])
                lines.append(f"{curve['label']}, {panel['title']}, unperturbed: {score}")
    lines += [
        f"failed  {t['name']}, {t['setting'] or 'as usual'}: {t['error']}"
        for t in plain["trials"]
        if t["error"]
    ]
    return [*lines, plain["note"]]


def _spread(point: Plain) -> str:
    if point["value"] is None or len(point["seeds"]) < 2:
        return ABSENT
    return f"{point['median']:.3f} ({point['worst']:.3f} … {point['best']:.3f})"


def _ceiling(panel: Plain, curve: Plain, point: Plain) -> str:
    values = [e["value"] for e in panel["ceilings"][curve["metric"]] if e["x"] == point["x"]]
    return number(values[0] if values else None, ABSENT)


def _best_floor(panel: Plain, curve: Plain, point: Plain, higher_is_better: bool) -> str:
    at_point = [
        (entry["value"], floor["model"])
        for floor in panel["floors"]
        if floor["metric"] == curve["metric"]
        for entry in floor["points"]
        if entry["x"] == point["x"] and entry["value"] is not None
    ]
    if not at_point:
        return ABSENT
    value, model = max(at_point) if higher_is_better else min(at_point)
    return f"{value:.3f} {model}"
