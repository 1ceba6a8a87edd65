"""`glassbench tasks`, `models`, `show`, `runs`, `explain`: what there is, and what was run here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.errors import UserError, WordError, did_you_mean
from ..experiments.words import check_keys
from ..home.workspace import Workspace
from ..plugins.datasets import list_datasets
from ..plugins.registry import Plugin, list_models, list_tasks, load_model_card, load_task
from .output import Asked, Result, command, say
from .tables import in_pairs, in_table, number, runs_table, terminal_width

if TYPE_CHECKING:
    from ..contract.model_card import ModelCard
    from ..contract.task import Task
    from ..explain.schema import Explanation


FILTERS = ("task", "model", "dataset")


@command()
def tasks(asked: Asked) -> Result:
    """List the tasks."""
    plugins = list_tasks()
    whole: list[Task] = [plugin.contract for plugin in plugins if plugin.error is None]
    rows = [
        (task.name, task.target, " × ".join(axis.name for axis in task.axes), task.title)
        for task in whole
    ]
    table = in_table(("task", "predicts", "over", "title"), rows)
    return _listed({"tasks": [task_plain(task) for task in whole]}, table, plugins)


@command("home out task dataset", plain="[weights|pack RUN]")
def models(asked: Asked) -> Result:
    """List the models; their trained fits; or pack those of a run into one file.

    `models weights` lists the fits that lie in the workspace, and `models pack RUN
    [out=FILE.safetensors]` packs what a run fitted, to be loaded elsewhere by
    `glassbench predict model=FILE.safetensors`. [home=FOLDER]
    """
    action, *run = asked.plain or [""]
    if action == "pack":
        return _pack(run, asked)
    check_keys(asked.values, ("home",) if action else ())
    if action == "weights" and not run:
        return _weights(asked.workspace)
    if action:
        known = did_you_mean(action, ("weights", "pack"))
        raise WordError(f"`models {' '.join(asked.plain)}`{known}")
    plugins = list_models()
    whole: list[tuple[ModelCard, str]] = [(p.contract, p.origin) for p in plugins if not p.error]
    rows = [
        (
            card.name,
            ", ".join(card.reads),
            ", ".join(card.tasks),
            origin,
            f"{card.title} ({card.year})",
        )
        for card, origin in whole
    ]
    table = in_table(("model", "reads", "serves", "from", "title"), rows)
    plain = [model_plain(card) | {"origin": origin} for card, origin in whole]
    return _listed({"models": plain}, table, plugins)


def _weights(workspace: Workspace) -> Result:
    """List the fits of the workspace, those of one model, task and condition side by side."""
    from ..experiments.trained import stored_trials

    rows: list[dict[str, Any]] = [
        {
            "model": trial.model.name,
            "task": trial.task,
            "dataset": trial.dataset.name,
            "conditions": "; ".join(condition.name for condition in trial.fit_conditions),
            "seed": trial.seed,
            "bytes": sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()),
            "path": str(folder),
        }
        for folder, trial in ((f / "fitted", trial) for f, trial in stored_trials(workspace))
        if folder.is_dir()
    ]
    rows.sort(key=lambda row: [str(row[key]) for key in ("model", "task", "conditions", "seed")])
    shown = ("model", "task", "dataset", "conditions", "seed")
    cells = [(*(str(row[key]) for key in shown), f"{row['bytes'] / 1e3:.0f}") for row in rows]
    notes = [] if rows else [f"no fit in {workspace.trials}: `glassbench run` makes them"]
    return Result({"weights": rows}, in_table((*shown, "kB>"), cells), notes=notes)


def _pack(run: list[str], asked: Asked) -> Result:
    from ..experiments.trained import load_model
    from ..trial.weights import SUFFIX, pack_model

    if not run:
        raise WordError("name the run: `glassbench models pack RUN`; `glassbench runs` lists them")
    task, dataset = asked.values.get("task"), asked.values.get("dataset")
    model = load_model(run[0], asked.workspace, task=task, dataset=dataset)
    default = f"{model.task.name}-{model.training.dataset}-{model.name}{SUFFIX}"
    out = Path(asked.values.get("out", default)).expanduser()
    if out.suffix != SUFFIX:
        raise WordError(f"`out={out}` must end in {SUFFIX}")
    pack_model(model, out)
    plain = {"model": model.name, "fits": len(model.fits), "file": str(out)}
    return Result(plain, in_pairs([(key, str(value)) for key, value in plain.items()]))


def _listed(plain: dict[str, Any], table: list[str], plugins: list[Plugin]) -> Result:
    """Return the whole plugins as a table and as plain values, and name the broken ones."""
    broken = [plugin for plugin in plugins if plugin.error]
    keys = ("name", "folder", "origin", "error")
    faults = [{key: str(getattr(plugin, key)) for key in keys} for plugin in broken]
    notes = [f"broken: {plugin.name} ({plugin.origin}): {plugin.error}" for plugin in broken]
    return Result(plain | {"broken": faults}, table, notes=notes)


@command("home", plain="TASK|MODEL")
def show(asked: Asked) -> Result:
    """Show a task or a model with all that its card says.

    [home=FOLDER]
    """
    name = asked.one("the name of a task or a model", "botan")
    is_path = "/" in name or name.startswith((".", "~"))
    holds_task = is_path and (Path(name).expanduser() / "task.toml").is_file()
    known_tasks = {item.name for item in list_tasks()}
    known_models = {item.name for item in list_models()}
    plain: dict[str, Any] = {}
    lines: list[str] = []
    if name in known_tasks or holds_task:
        task = load_task(name)
        plain["task"] = task_plain(task)
        lines += task_lines(task, asked.workspace)
    if name in known_models or (is_path and not holds_task):
        card = load_model_card(name)
        plain["model"] = model_plain(card)
        lines += model_lines(card)
    if not plain:
        hint = did_you_mean(name, known_tasks | known_models)
        raise UserError(f"there is no task and no model `{name}`{hint}")
    return Result(plain, lines)


def task_lines(task: Task, workspace: Workspace) -> list[str]:
    here = {d.name: str(d.path) for d in list_datasets([task], workspace)}
    about = [
        ("protocol", f"version {task.protocol_version}"),
        ("target", f"{task.target} ({task.targets[task.target].unit})"),
        *((f"axis {a.name}", f"{a.symbol} in {a.unit}") for a in task.axes),
        ("symmetry", task.symmetry),
        ("floors", ", ".join(task.floors)),
        ("citation", task.citation),
        ("folder", str(task.folder)),
    ]
    targets = [(t.name, f"per {t.per}, {t.unit}. {t.description}") for t in task.targets.values()]
    metrics = [(m.name, f"{m.title}{' (primary)' if m.primary else ''}") for m in task.metrics]
    named = [
        (e.name, f"{here.get(e.name, 'not here')}. {e.description}") for e in task.datasets.values()
    ]
    named += [(name, path) for name, path in here.items() if name not in task.datasets]
    lines = [f"{task.name}: {task.title}", task.summary, "", *in_pairs(about)]
    for title, pairs in (("targets", targets), ("metrics", metrics), ("datasets", named)):
        lines += ["", title, *in_pairs(pairs, "  ")]
    return lines


def model_lines(card: ModelCard) -> list[str]:
    lines = [f"{card.name}: {card.title}"]
    lines += in_pairs(
        [
            ("authors", ", ".join(card.authors)),
            ("year", str(card.year)),
            ("doi", card.doi or "-"),
            ("licence", card.licence),
            ("serves", ", ".join(card.tasks)),
            ("reads", ", ".join(card.reads)),
            ("one fit serves", f"{card.conditions_per_fit} condition"
             f"{'s' if card.conditions_per_fit == 'all' else ''}"),
            ("claims", ", ".join(card.claims) or "-"),
            ("one trial takes", ", ".join(f"{v:g} {k}" for k, v in card.resources.items())),
            ("folder", str(card.folder)),
            ("digest", card.digest),
        ]
    )  # fmt: skip
    lines += ["", "hyperparameters (model.<name>=…)"]
    lines += in_pairs([(k, repr(v)) for k, v in card.hyperparameters.items()] or [("-", "")], "  ")
    for task, datasets in card.defaults.items():
        for dataset, values in datasets.items():
            lines += ["", f"on {task}, {dataset}"]
            lines += in_pairs([(k, repr(v)) for k, v in values.items()], "  ")
    return lines


def task_plain(task: Task) -> dict[str, Any]:
    plain = task.model_dump(exclude={"metrics", "transfer", "quick"})
    metrics = [metric.to_table() for metric in task.metrics]
    return plain | {"metrics": metrics, "folder": str(task.folder)}


def model_plain(card: ModelCard) -> dict[str, Any]:
    space = [dimension.model_dump() for dimension in card.search_space]
    own = card.model_dump(exclude={"search_space"})
    return own | {"search_space": space, "folder": str(card.folder), "digest": card.digest}


@command("task model dataset home")
def runs(asked: Asked) -> Result:
    """List what was run here, with scores.

    [task=NAME] [model=NAME] [dataset=NAME] [home=FOLDER]
    """
    workspace = asked.workspace
    from ..record.record import read_records

    records, unreadable = read_records(workspace.records)
    wanted = {key: asked.values[key].split(",") for key in FILTERS if key in asked.values}
    records = [
        (path, record)
        for path, record in records
        if all(record[key]["name"] in names for key, names in wanted.items())
    ]
    unfinished = unfinished_trials(workspace)
    runs = [{"path": str(path), "record": record} for path, record in records]
    plain = {"runs": runs, "unreadable": unreadable, "unfinished": unfinished}
    notes = [f"unreadable record: {message}" for message in unreadable]
    if unfinished:
        count = len(unfinished)
        notes.append(f"{count} trials are not finished; the command that began them goes on:")
        notes += [f"  {t['name']} ({t['task']}, {t['dataset']})" for t in unfinished[:5]]
    if records:
        table = runs_table(records, terminal_width())
        return Result(plain, [*table, "", f"records: {workspace.records}"], notes=notes)
    of = " with " + " ".join(f"{key}={asked.values[key]}" for key in wanted) if wanted else ""
    none = f"no finished run{of} in {workspace.home}: start one with `glassbench run`"
    return Result(plain, notes=[none, *notes])


def unfinished_trials(workspace: Workspace) -> list[dict[str, str]]:
    from ..experiments.trained import stored_trials

    # A study of tuning knows of its own trials, and may have stopped them for good.
    return [
        {"name": trial.name, "task": trial.task, "dataset": trial.dataset.name,
         "key": trial.key, "folder": str(folder)}
        for folder, trial in stored_trials(workspace)
        if not (folder / "result.json").exists() and trial.variation.scored_split != "valid"
    ]  # fmt: skip


@command("curve transfer out home", plain="RUN")
def explain(asked: Asked) -> Result:
    """Explain where and why the predictions of a run fail.

    RUN [curve=on] [transfer=on] [out=FILE] [home=FOLDER]

    RUN is the path of a record, its name in the workspace, or the name of a model with a single
    record there. The explanation appears on the record's page of the leaderboard. `curve=on` fits
    the model again on fewer configurations; `transfer=on` tests each fit at the other conditions.
    """
    if not asked.plain:
        raise WordError("name one run, `glassbench explain RUN`: `glassbench runs` lists them")
    from ..experiments.trained import find_run
    from ..explain.schema import write_explanation
    from ..explain.section import explain_record

    workspace = asked.workspace
    path, record = find_run(asked.plain[0], workspace)
    curve, transfer = asked.switch("curve"), asked.switch("transfer")
    explanation = explain_record(record, workspace, curve=curve, transfer=transfer, report=say)
    out = asked.path("out") or workspace.home / "explain" / path.name
    written = write_explanation(out, explanation)
    lines = _explanation_lines(explanation, record["task"]["primary_metric"])
    return Result(explanation.to_json(), [*lines, "", f"written: {written}"])


def _explanation_lines(explanation: Explanation, metric: str) -> list[str]:
    lines = []
    for entry in explanation.conditions:
        lines.append(" ".join(f"{name}={value:g}" for name, value in entry.condition.items()))
        for worst in entry.worst[:3]:
            value = number(worst.value)
            lines.append(f"  worst: configuration {worst.configuration}, {metric} {value}")
        for table in entry.errors:
            groups = ", ".join(f"{g.label}: {g.mean_absolute_error:g}" for g in table.groups)
            lines.append(f"  mean absolute error by {table.by}: {groups}")
    for curve in explanation.learning_curve:
        points = ", ".join(f"{p.configurations}: {number(p.value, '–')}" for p in curve.points)
        lines.append(f"{metric} by number of training configurations: {points}")
    return lines
