"""`glassbench figure` and `glassbench figures`: figures of the papers, with their numbers."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..contract.conditions import choose_conditions
from ..contract.errors import UserError, WordError
from ..experiments.request import make_requests, model_trials, open_asked, task_of
from ..experiments.words import check_keys, parse_axis, parse_run
from ..home.files import write_json as write_json_file
from ..plugins.task_modules import TaskModule, find_figure, list_figures
from .output import Asked, Result, command
from .progress import Display
from .tables import in_pairs, in_table

if TYPE_CHECKING:
    from ..contract.task import Task
    from ..figures.given import FigureModule, Given


@command()
def figures(asked: Asked) -> Result:
    """List the figures of the papers that `glassbench figure` draws."""
    rows = []
    for found in list_figures():
        module = found.load()
        row = {"name": found.name, "tasks": _tasks_of(found, module), "title": found.summary}
        rows.append(row | {"needs": "model" if module.MODELS else "data", "source": module.SOURCE})
    keys = ("name", "needs", "tasks", "title", "source")
    table = in_table(keys, [[_cell(row[key]) for key in keys] for row in rows])
    return Result({"figures": rows}, table)


@command(None, plain="NAME")
def figure(asked: Asked) -> Result:
    """Draw a figure of the papers, with its numbers as a table.

    NAME [task=NAME] [model=NAME[,NAME]] [dataset=NAME|PATH] [temperature=…] [time=…] [seed=N]
    [epochs=N] [model.HYPERPARAMETER=…] [cluster=none|auto|HOST:PORT] [threads=N] [home=FOLDER],
    and words of the figure.

    `glassbench figures` lists the names, and which need a model, of which finished trials are
    used and others are run. The table on stdout and beside the picture holds the numbers; what
    the paper reports stands below it.
    """
    found = find_figure(asked.one("the name of a figure", "distributions"))
    module: FigureModule = found.load()
    tasks = _tasks_of(found, module)
    values = dict(asked.values)
    values.setdefault("task", tasks[0] if tasks else "")
    task = task_of({key: value for key, value in values.items() if value})
    if tasks and task.name not in tasks:
        raise WordError(f"figure {found.name} is one of {', '.join(tasks)}, not of {task.name}")
    options = _options(module, values)
    given = _given(found, module, task, values, options, asked)
    try:
        drawn = module.draw(given)
    except (ValueError, ArithmeticError) as error:
        raise UserError(f"figure {found.name}: {error}") from error
    from ..figures.canvas import save_figure

    path = save_figure(drawn.figure, given.folder / "figure.png")
    about = {"figure": found.name, "source": module.SOURCE, "reported": module.REPORTED}
    rows = [{key: _plain(value) for key, value in row.items()} for row in drawn.rows]
    plain = about | {"rows": rows, "notes": list(drawn.notes)}
    write_json_file(given.folder / "table.json", plain)
    keys = list(dict.fromkeys(key for row in rows for key in row))
    table = in_table(
        [f"{key}>" if _is_number(rows, key) else key for key in keys],
        [[_cell(row.get(key)) for key in keys] for row in rows],
    )
    files = {"figure": str(path), "table": str(given.folder / "table.json")}
    pairs = in_pairs([(k, about[k]) for k in ("source", "reported")] + list(files.items()))
    return Result(plain | {"files": files}, [*table, "", *drawn.notes, *pairs])


def _tasks_of(found: TaskModule, module: FigureModule) -> tuple[str, ...]:
    """Return the tasks that a figure serves, first that of its folder."""
    own = (found.origin,) if found.origin != "path" and " " not in found.origin else ()
    return tuple(dict.fromkeys((*own, *getattr(module, "TASKS", ()))))


def _options(module: FigureModule, values: Mapping[str, str]) -> dict[str, Any]:
    from ..contract.hyperparameters import typed_value

    options = dict(module.OPTIONS)
    for name in options.keys() & values.keys():
        try:
            options[name] = typed_value(values[name], options[name])
        except ValueError as error:
            raise WordError(f"`{name}={values[name]}`: {error}") from None
    return options


def _given(
    found: TaskModule,
    module: FigureModule,
    task: Task,
    values: Mapping[str, str],
    options: Mapping[str, Any],
    asked: Asked,
) -> Given:
    """Return what the figure is drawn from; models are trained where they have not been."""
    from ..figures.given import Answers, Given

    axes = [axis.name for axis in task.axes]
    workspace, answers = asked.workspace, []
    if module.MODELS:
        run = replace(parse_run(values, axes, module.OPTIONS, ("force", "config")), floors=False)
        requests = make_requests(task, run, workspace)
        from ..cluster.execute import execute

        trials = [trial for request in requests for trial in model_trials(request)]
        with Display(asked.json, total=len(trials)) as display:
            outcomes = execute(
                trials,
                workspace,
                cluster=run.cluster,
                on_event=display,
                cpus_per_trial=run.threads,
                workers=run.workers,
            )
        for outcome in outcomes:
            if outcome.result is None:
                raise UserError(f"{outcome.trial.name} failed: {outcome.error}")
        results = {o.trial.key: o.result for o in outcomes if o.result is not None}
        for request in requests:
            own = tuple(results[trial.key] for trial in model_trials(request))
            answers.append(Answers(request.model, request.hyperparameters, own, workspace))
        dataset, view, conditions = requests[0].dataset, requests[0].view, requests[0].conditions
    else:
        if "model" in values:
            raise WordError(f"figure {found.name} shows data alone: leave `model=` out")
        own_keys = ("task", "target", "dataset", "failed_checks", "home")
        check_keys(values, (*own_keys, *axes, *module.OPTIONS))
        dataset, view = open_asked(
            task, values.get("dataset"), workspace, values.get("failed_checks")
        )
        chosen = {axis: parse_axis(axis, values[axis]) for axis in axes if axis in values}
        default = task.default_values(dataset.name)
        conditions = choose_conditions(view.conditions(), chosen, default)
    about = [found.name, task.name, dataset.name, *(one.card.name for one in answers)]
    keys = [result.key for one in answers for result in one.results]
    what = [found.name, dataset.digest, [c.name for c in conditions], dict(options), keys]
    digest = hashlib.sha256(json.dumps(what, default=str).encode()).hexdigest()[:8]
    folder = workspace.home / "figures" / "-".join([*about, digest])
    folder.mkdir(parents=True, exist_ok=True)
    return Given(task, view, conditions, options, folder, tuple(answers))


def _plain(value: Any) -> Any:
    """Return a number of numpy as Python's, one that is not finite as None."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cell(value: Any) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(_cell, value))
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _is_number(rows: list[dict[str, Any]], key: str) -> bool:
    return all(isinstance(row.get(key, 0.0), int | float | None) for row in rows)
