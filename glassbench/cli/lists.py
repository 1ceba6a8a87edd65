"""`glassbench tasks`, `glassbench models`, `glassbench show`: what there is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..contract.errors import UserError, did_you_mean
from ..experiments.words import check_keys, split_words
from ..home.workspace import Workspace, open_workspace
from ..plugins.datasets import list_datasets
from ..plugins.registry import Plugin, list_models, list_tasks, load_model_card, load_task
from .columns import Column, in_columns, in_pairs, terminal_width
from .guard import guarded, say
from .output import Json, Words, write_json, write_lines

if TYPE_CHECKING:
    from ..contract.model_card import ModelCard
    from ..contract.task import Task


@guarded
def tasks(json_output: Json = False) -> None:
    """List the tasks."""
    found = list_tasks()
    whole: list[Task] = [plugin.contract for plugin in found if plugin.error is None]
    if json_output:
        write_json({"tasks": [task_plain(task) for task in whole], "broken": _broken(found)})
        return
    write_lines(
        in_columns(
            [
                Column("task", [task.name for task in whole]),
                Column("predicts", [task.target for task in whole]),
                Column("over", [" × ".join(axis.name for axis in task.axes) for task in whole]),
                Column("title", [task.title for task in whole]),
            ],
            terminal_width(),
        )
    )
    _say_broken(found)


@guarded
def models(json_output: Json = False) -> None:
    """List the models."""
    found = list_models()
    origins = [item.origin for item in found if item.error is None]
    cards: list[ModelCard] = [plugin.contract for plugin in found if plugin.error is None]
    if json_output:
        plain = [
            model_plain(card) | {"origin": origin}
            for card, origin in zip(cards, origins, strict=True)
        ]
        write_json({"models": plain, "broken": _broken(found)})
        return
    write_lines(
        in_columns(
            [
                Column("model", [card.name for card in cards]),
                Column("reads", [", ".join(card.reads) for card in cards]),
                Column("serves", [", ".join(card.tasks) for card in cards]),
                Column("from", origins),
                Column("title", [f"{card.title} ({card.year})" for card in cards]),
            ],
            terminal_width(),
        )
    )
    _say_broken(found)


@guarded
def show(
    name: Annotated[str, typer.Argument(metavar="TASK|MODEL", show_default=False)],
    words: Words = None,
    json_output: Json = False,
) -> None:
    """Show a task or a model with all that its card says.

    [home=FOLDER]
    """
    values = split_words(words or [])
    check_keys(values, ("home",))
    workspace = open_workspace(values.get("home"))
    shown: dict[str, Any] = {}
    is_path = "/" in name or name.startswith((".", "~"))
    holds_task = is_path and (Path(name).expanduser() / "task.toml").is_file()
    known_tasks = {item.name for item in list_tasks()}
    known_models = {item.name for item in list_models()}
    if name in known_tasks or holds_task:
        shown["task"] = load_task(name)
    if name in known_models or (is_path and not holds_task):
        shown["model"] = load_model_card(name)
    if not shown:
        hint = did_you_mean(name, known_tasks | known_models)
        raise UserError(f"there is no task and no model `{name}`{hint}")
    if json_output:
        plain = {
            kind: task_plain(value) if kind == "task" else model_plain(value)
            for kind, value in shown.items()
        }
        write_json(plain)
        return
    if "task" in shown:
        write_lines(task_lines(shown["task"], workspace))
    if "model" in shown:
        write_lines(model_lines(shown["model"]))


def task_lines(task: Task, workspace: Workspace) -> list[str]:
    """Return what `task.toml` says, for people."""
    here = {d.name: str(d.path) for d in list_datasets([task], workspace)}
    lines = [f"{task.name}: {task.title}", task.summary, ""]
    lines += in_pairs(
        [
            ("protocol", f"version {task.protocol_version}"),
            ("target", f"{task.target} ({task.targets[task.target].unit})"),
            *((f"axis {a.name}", f"{a.symbol} in {a.unit}") for a in task.axes),
            ("symmetry", task.symmetry),
            ("floors", ", ".join(task.floors)),
            ("citation", task.citation),
            ("folder", str(task.folder)),
        ]
    )
    lines += ["", "targets"]
    lines += in_pairs(
        [(t.name, f"per {t.per}, {t.unit}. {t.description}") for t in task.targets.values()], "  "
    )
    lines += ["", "metrics"]
    lines += in_pairs(
        [(m.name, f"{m.title}{' (primary)' if m.primary else ''}") for m in task.metrics],
        "  ",
    )
    lines += ["", "datasets"]
    named = [
        (entry.name, f"{here.get(entry.name, 'not here')}. {entry.description}")
        for entry in task.datasets.values()
    ]
    named += [(name, path) for name, path in here.items() if name not in task.datasets]
    return lines + in_pairs(named, "  ")


def model_lines(card: ModelCard) -> list[str]:
    """Return what `model.toml` says, for people."""
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
    return {
        "name": task.name,
        "title": task.title,
        "summary": task.summary,
        "protocol_version": task.protocol_version,
        "target": task.target,
        "targets": {t.name: t.model_dump() for t in task.targets.values()},
        "axes": [axis.model_dump() for axis in task.axes],
        "metrics": [metric.to_table() for metric in task.metrics],
        "floors": list(task.floors),
        "datasets": {name: entry.model_dump() for name, entry in task.datasets.items()},
        "default_dataset": task.default_dataset,
        "symmetry": task.symmetry,
        "citation": task.citation,
        "folder": str(task.folder),
    }


def model_plain(card: ModelCard) -> dict[str, Any]:
    space = [dimension.model_dump() for dimension in card.search_space]
    own = card.model_dump(exclude={"search_space"})
    return own | {"search_space": space, "folder": str(card.folder), "digest": card.digest}


def _broken(found: list[Plugin]) -> list[dict[str, str]]:
    return [
        {"name": item.name, "folder": str(item.folder), "origin": item.origin, "error": item.error}
        for item in found
        if item.error
    ]


def _say_broken(found: list[Plugin]) -> None:
    for item in found:
        if item.error:
            say(f"broken: {item.name} ({item.origin}): {item.error}")
