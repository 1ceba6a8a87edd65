"""`glassbench tune`: from words to the best hyperparameters on validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..contract.conditions import WordError, choose_conditions
from ..contract.suggest import did_you_mean
from ..contract.trial_plan import DatasetReference
from ..experiments.words import (
    check_keys,
    parse_axis,
    parse_cluster,
    parse_count,
    parse_seeds,
    parse_switch,
    split_words,
)
from ..home.given_files import keep_given_files
from ..home.workspace import Workspace, open_workspace
from ..plugins.datasets import find_dataset
from ..plugins.registry import load_model_card, load_task
from .columns import Column, in_columns, in_pairs, terminal_width
from .guard import FAILED, guarded, say
from .output import Json, Words, write_json, write_lines

if TYPE_CHECKING:
    from ..cluster.tuning.keeper import TuningEvent
    from ..cluster.tuning.run import StudyReport
    from ..contract.task import Task
    from ..datasets.view import View
    from ..experiments.tuning.journal import TuningTrial
    from ..experiments.tuning.study import Study
    from ..model import Condition

KEYS = (
    "task", "model", "trials", "scheduler", "search", "metric", "dataset", "seed", "cluster",
    "threads", "workers", "home", "force", "failed_checks",
)  # fmt: skip
TRIALS = "20"
WIDEST_VALUE = 24


@guarded
def tune(words: Words = None, json_output: Json = False) -> None:
    """Search a model's hyperparameters for the best score on the validation split.

    task=NAME model=NAME [trials=20] [scheduler=asha|pbt|none] [search=random|optuna]
    [metric=NAME] [dataset=NAME|PATH] [temperature=…] [time=…] [seed=0]
    [model.HYPERPARAMETER=VALUE that is not searched]
    [cluster=auto|local|HOST:PORT|ray://HOST:PORT|none] [threads=N] [workers=N]
    [force=on] [failed_checks=allow] [home=FOLDER]

    The space is [search_space] of the model's model.toml; trial 0 is the model without tuning.
    The test split stays closed. A score is the mean over the conditions asked for. What is
    finished is not tried again, and what was stopped goes on: give the same words once more;
    more trials= prolong the study. `glassbench run config=FILE` takes the best configuration.
    """
    values = split_words(words or [])
    if "task" not in values:
        raise WordError("`task=` is missing: `glassbench tasks` lists what there is")
    task = load_task(values["task"])
    workspace = open_workspace(values.get("home"))
    study = make_study(task, values, workspace)
    from ..cluster.tuning.run import forget_study, run_study

    if parse_switch("force", values.get("force", "off")):
        forget_study(study, workspace)
    if not json_output:
        say(announcement(study))
    report = run_study(
        study,
        workspace,
        (lambda event: None) if json_output else show,
        cluster=parse_cluster(values.get("cluster", "auto")),
        threads=parse_count("threads", values["threads"]) if "threads" in values else None,
        workers=parse_count("workers", values.get("workers", "1")),
        waiting=say,
    )
    if json_output:
        write_json(report_plain(report))
    else:
        write_lines(report_lines(report))
    if report.best_path is None:
        raise typer.Exit(FAILED)


def make_study(task: Task, values: Mapping[str, str], workspace: Workspace) -> Study:
    """Return the study that words ask for, with everything checked that can be before any work.

    Raises
    ------
    UserError
        If a word is wrong, or there is nothing to search.
    """
    from ..experiments.tuning.search import SEARCHES
    from ..experiments.tuning.study import SCHEDULERS, Study

    axes = [axis.name for axis in task.axes]
    fixed = {k.removeprefix("model."): v for k, v in values.items() if k.startswith("model.")}
    plain = {k: v for k, v in values.items() if not k.startswith("model.")}
    check_keys(plain, (*KEYS, *axes, "model.<hyperparameter>"))
    if "model" not in values:
        raise WordError("`model=` is missing: `glassbench models` lists what there is")
    if "," in values["model"]:
        raise WordError(f"`model={values['model']}` names several: tune one at a time")
    card = load_model_card(values["model"])
    if task.name not in card.tasks:
        raise WordError(f"model {card.name} serves {', '.join(card.tasks)}, not {task.name}")
    found = find_dataset(task, values.get("dataset"), workspace)
    fixed = keep_given_files(fixed, workspace)
    hyperparameters = card.hyperparameters_for(task.name, found.name, fixed)
    offered = tuple(d for d in card.search_space if d.serves(task.name))
    space = tuple(d for d in offered if d.name not in fixed)
    if not space:
        raise WordError(
            f"nothing of {card.name} is left to search: its model.toml has "
            + (f"{', '.join(d.name for d in offered)}, and you fixed all of it"
               if offered else f"no [search_space.<hyperparameter>] for {task.name}")
        )  # fmt: skip
    seeds = parse_seeds(values.get("seed", "0"))
    if len(seeds) > 1:
        raise WordError(f"`seed={values['seed']}` names several: a study has one")
    metric = _among("metric", values.get("metric", task.primary_metric.name), task_scores(task))

    from ..datasets.physics import refuse_failed
    from ..datasets.view import open_view

    view = open_view(task, found.path)
    refuse_failed(view.dataset, values.get("failed_checks"))
    asked = {axis: parse_axis(axis, values[axis]) for axis in axes if axis in values}
    return Study(
        task=task,
        dataset=DatasetReference(found.name, str(found.path), view.digest),
        model=card,
        conditions=choose_conditions(
            _validated(view, found.name), asked, task.default_values(found.name)
        ),
        hyperparameters=hyperparameters,
        space=space,
        seed=seeds[0],
        search=_among("search", values.get("search", "random"), SEARCHES),
        scheduler=_among("scheduler", values.get("scheduler", "asha"), SCHEDULERS),
        metric=metric,
        trials=parse_count("trials", values.get("trials", TRIALS)),
    )


def _validated(view: View, dataset: str) -> list[Condition]:
    """Return the conditions at which there is something to train and to validate on."""
    validated = view.conditions("valid")
    conditions = [c for c in view.conditions("train") if c in validated]
    if not conditions:
        raise WordError(f"dataset {dataset} has no validation split: nothing to tune on")
    return conditions


def task_scores(task: Task) -> list[str]:
    """Return the names of the metrics of a task by which models can be ranked."""
    from ..metrics.specification import NO_SCORE

    return [m.name for m in task.metrics if m.function not in NO_SCORE]


def _among(key: str, word: str, known: Sequence[str]) -> str:
    if word not in known:
        raise WordError(f"`{key}={word}`{did_you_mean(word, known)}")
    return word


def announcement(study: Study) -> str:
    """Return what is about to be searched, in a few lines."""
    several = len(study.conditions) > 1
    over = f", the mean over {len(study.conditions)} conditions" if several else ""
    where = study.conditions[0].name if not several else f"{len(study.conditions)} conditions"
    lines = [
        f"tuning {study.model.name} on {study.task.name}, dataset {study.dataset.name}, at "
        f"{where}: {study.metric} on validation{over}",
        f"{study.trials} trials, search={study.search}, scheduler={study.scheduler}, "
        f"seed {study.seed}; the test split stays closed",
        *(f"  {dimension.words}" for dimension in study.space),
    ]
    return "\n".join(lines)


def show(event: TuningEvent) -> None:
    """Say on stderr what happened to a trial; single epochs pass in silence."""
    if event.kind in ("report", "started"):
        return
    trial = event.trial
    parts = [f"{event.kind:<8}  trial {trial.index}"]
    if trial.score is not None:
        parts.append(f"validation {trial.score:.4f}")
    if trial.epochs:
        parts.append(f"epoch {trial.epochs}")
    if event.kind != "retried":
        parts.append(f"{trial.cost['wall_seconds']:.0f} s")
    say("  ".join(filter(None, [*parts, event.message])))


def report_lines(report: StudyReport) -> list[str]:
    """Return what was tried, the best first, and where everything is."""
    from ..experiments.tuning.outcome import ranked, tuning_statement
    from ..experiments.tuning.words import tuning_words

    study = report.study
    statement = tuning_statement(study, report.trials) | {"changed": []}
    order = ranked(study, report.trials)
    columns = [
        Column("rank", [str(place) for place in range(1, len(order) + 1)], True),
        Column("trial", [str(trial.index) for trial in order], True),
        Column(f"{study.metric}", [_score(trial) for trial in order], True),
        Column("end", [_end(trial) for trial in order]),
        Column("epochs", [str(trial.epochs or "-") for trial in order], True),
        Column("cost", [f"{trial.cost['wall_seconds']:.1f} s" for trial in order], True),
        *(
            Column(d.name, [_value(trial.hyperparameters[d.name]) for trial in order], True)
            for d in study.space
        ),
    ]
    lines = [*in_columns(columns, terminal_width(), keys=2), ""]
    lines += [f"failed  trial {t.index}: {t.error}" for t in order if t.error]
    pairs = [("tuning", tuning_words(statement))]
    if report.best_path is not None:
        pairs.append(("best", str(report.best_path)))
        pairs.append(("use it", f"glassbench run config={report.best_path}"))
    if report.picture is not None:
        pairs.append(("figure", str(report.picture)))
    late = "" if report.tracking["delivered"] else f" (not delivered: {report.tracking['message']})"
    pairs.append(("run", f"{report.tracking['run_id'] or '-'} at {report.tracking['uri']}{late}"))
    return [*lines, *in_pairs(pairs)]


def report_plain(report: StudyReport) -> dict[str, Any]:
    """Return a study as plain values, for `--json`."""
    from ..experiments.tuning.outcome import study_plain

    return study_plain(report.study, report.trials) | {
        "best_path": _path(report.best_path),
        "figure": _path(report.picture),
        "folder": str(report.folder),
        "tracking": report.tracking,
    }


def _path(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _score(trial: TuningTrial) -> str:
    return "undefined" if trial.score is None else f"{trial.score:.4f}"


def _end(trial: TuningTrial) -> str:
    return {"stopped": "stopped early"}.get(trial.state, trial.state)


def _value(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= WIDEST_VALUE else f"{text[: WIDEST_VALUE - 1]}…"
