"""`glassbench tune`: from words to the best hyperparameters on validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..contract.errors import WordError, did_you_mean
from ..experiments.request import make_requests, task_of
from ..experiments.words import RunRequest, parse_count, parse_run
from ..home.workspace import Workspace
from .output import Asked, Result, command, say
from .tables import in_pairs, in_table, place_lines

if TYPE_CHECKING:
    from ..cluster.tuning.run import StudyReport
    from ..contract.task import Task
    from ..experiments.tuning.search import TuningEvent
    from ..experiments.tuning.study import TuningStudy

OWN_KEYS = {"trials": "20", "scheduler": "asha", "search": "random", "metric": ""}
NOT_HERE = ("config", "floors")
WIDEST_VALUE = 24


@command(None)
def tune(asked: Asked) -> Result:
    """Search a model's hyperparameters for the best score on the validation split.

    task=NAME model=NAME [target=NAME] [trials=20] [scheduler=asha|pbt|none] [search=random|optuna]
    [metric=NAME] [dataset=NAME|PATH] [temperature=…] [time=…] [seed=0]
    [model.HYPERPARAMETER=VALUE that is not searched]
    [cluster=auto|local|HOST:PORT|ray://HOST:PORT|none] [threads=N] [workers=N]
    [force=on] [failed_checks=allow] [home=FOLDER]

    The space is [search_space] of the model's model.toml; trial 0 is the model without tuning.
    The test split stays closed. A score is the mean over the conditions asked for. Finished
    trials are not run again and interrupted ones continue: give the same words once more; a
    larger trials= prolongs the study. `glassbench run config=FILE` takes the best configuration.
    """
    from ..cluster.tuning.run import forget_study, run_study
    from ..experiments.tuning.study import study_plain

    task = task_of(asked.values)
    request = parse_run(asked.values, [axis.name for axis in task.axes], OWN_KEYS, NOT_HERE)
    workspace = asked.workspace
    study = make_study(task, request, OWN_KEYS | asked.values, workspace)
    if request.force:
        forget_study(study, workspace)
    if not asked.json:
        say(*announcement(study))
    report = run_study(
        study,
        workspace,
        (lambda event: None) if asked.json else show,
        cluster=request.cluster,
        threads=request.threads,
        workers=request.workers,
        waiting=say,
    )
    files = {"best_path": report.best_path, "figure": report.picture, "folder": report.folder}
    plain = study_plain(report.study, report.trials) | files | {"tracking": report.tracking}
    return Result(plain, report_lines(report), report.best_path is None)


def make_study(
    task: Task, asked: RunRequest, values: dict[str, str], workspace: Workspace
) -> TuningStudy:
    """Return the study that is asked for; `values` are the words of `OWN_KEYS`, by key."""
    from ..experiments.tuning.study import SCHEDULERS, SEARCHES, TuningStudy
    from ..metrics.specification import NO_SCORE

    requests = make_requests(task, replace(asked, floors=False), workspace)
    if len(requests) > 1:
        raise WordError(f"`model={','.join(asked.models)}` names several: tune one at a time")
    if len(asked.seeds) > 1:
        raise WordError(f"`seed={','.join(map(str, asked.seeds))}` names several: a study has one")
    request, card = requests[0], requests[0].model
    known = set(request.view.conditions("train")) & set(request.view.conditions("valid"))
    if lacking := [c.name for c in request.conditions if c not in known]:
        raise WordError(
            f"dataset {request.dataset.name} has no validation split at {', '.join(lacking)}: "
            "nothing to tune on"
        )
    offered = [dimension for dimension in card.search_space if dimension.serves(task.name)]
    space = tuple(d for d in offered if d.name not in asked.hyperparameters)
    if not space:
        names = ", ".join(dimension.name for dimension in offered)
        lack = f"no [search_space.<hyperparameter>] for {task.name}"
        reason = f"{names}, and you fixed all of it" if offered else lack
        raise WordError(f"nothing of {card.name} is left to search: its model.toml has {reason}")
    scores = [m.name for m in task.metrics if m.function not in NO_SCORE]
    return TuningStudy(
        task=task,
        dataset=request.dataset,
        model=card,
        conditions=request.conditions,
        hyperparameters=request.hyperparameters,
        space=space,
        seed=asked.seeds[0],
        search=_among("search", values["search"], SEARCHES),
        scheduler=_among("scheduler", values["scheduler"], SCHEDULERS),
        metric=_among("metric", values["metric"] or task.primary_metric.name, scores),
        trials=parse_count("trials", values["trials"]),
    )


def _among(key: str, word: str, known: Sequence[str]) -> str:
    if word not in known:
        raise WordError(f"`{key}={word}`{did_you_mean(word, known)}")
    return word


def announcement(study: TuningStudy) -> list[str]:
    count = len(study.conditions)
    where = study.conditions[0].name if count == 1 else f"{count} conditions"
    over = "" if count == 1 else f", the mean over {count} conditions"
    return [
        f"tuning {study.model.name} on {study.task.name}, dataset {study.dataset.name}, at "
        f"{where}: {study.metric} on validation{over}",
        f"{study.trials} trials, search={study.search}, scheduler={study.scheduler}, "
        f"seed {study.seed}; the test split stays closed",
        *(f"  {dimension.words}" for dimension in study.space),
    ]


def show(event: TuningEvent) -> None:
    """Report an event of a trial on stderr, but for its epochs."""
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
    from ..experiments.tuning.study import ranked, tuning_statement, tuning_words

    study = report.study
    order = ranked(study, report.trials)
    searched = [dimension.name for dimension in study.space]
    rows = [
        (
            str(rank),
            str(trial.index),
            "undefined" if trial.score is None else f"{trial.score:.4f}",
            "stopped early" if trial.state == "stopped" else trial.state,
            str(trial.epochs or "-"),
            f"{trial.cost['wall_seconds']:.1f} s",
            *(_shown(trial.hyperparameters[name]) for name in searched),
        )
        for rank, trial in enumerate(order, start=1)
    ]
    titles = ("rank>", "trial>", f"{study.metric}>", "end", "epochs>", "cost>")
    table = in_table((*titles, *(f"{name}>" for name in searched)), rows, keys=2)
    pairs = [("tuning", tuning_words(tuning_statement(study, report.trials)))]
    if report.best_path is not None:
        pairs.append(("best", str(report.best_path)))
        pairs.append(("use it", f"glassbench run config={report.best_path}"))
    figures = [] if report.picture is None else [report.picture]
    places = place_lines(None, report.tracking, [], figures)
    failures = [f"failed  trial {trial.index}: {trial.error}" for trial in order if trial.error]
    return [*table, "", *failures, *in_pairs(pairs), *places]


def _shown(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= WIDEST_VALUE else f"{text[: WIDEST_VALUE - 1]}…"
