"""What a person asks for as complete, checked requests, and the trials that they take.

Everything that words name is found here, once; nobody after it asks a registry again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.conditions import RELATIVE_TOLERANCE, choose_conditions
from ..contract.errors import DatasetError, WordError
from ..contract.trial_plan import DatasetReference, Trial, plan_trials
from ..home.workspace import Workspace, keep_given_files
from ..model import Condition
from ..plugins.datasets import dataset_at, find_dataset
from ..plugins.registry import load_model_card, load_task, whole_models
from .words import RunRequest

if TYPE_CHECKING:
    from ..contract.model_card import ModelCard
    from ..contract.task import Task
    from ..datasets.view import View
    from ..record.record import Tuning

FLOOR_SEED = 0
# Conditions that differ by fewer decades count as alike.
ALIKE = 0.5


@dataclass(frozen=True)
class Floor:
    """A model with its hyperparameters, such as a trivial one beside which others are shown."""

    card: ModelCard
    hyperparameters: Mapping[str, Any]


@dataclass(frozen=True)
class BenchmarkRequest:
    """What to run: one model with one set of hyperparameters, against the floors.

    `threads` are the cores of one trial, None to share them among the trials; `workers` train
    one trial together; `tuning` is how the hyperparameters were found.
    `trained` are values of axes at which to train in place of those tested, and `trained_at` where
    to train for each of the conditions; both empty to train where is tested.
    """

    task: Task
    dataset: DatasetReference
    model: ModelCard
    conditions: tuple[Condition, ...]
    hyperparameters: Mapping[str, Any]
    seeds: tuple[int, ...]
    cluster: str = "auto"
    floors: tuple[Floor, ...] = ()
    threads: int | None = None
    workers: int = 1
    tuning: Tuning | None = None
    trained: Mapping[str, float] = field(default_factory=dict)
    trained_at: tuple[Condition, ...] = ()
    opened: View | None = field(default=None, compare=False, repr=False)

    @property
    def digest(self) -> str:
        """Return the sha256 of what is asked for; how and where it runs does not count."""
        from ..record.record import canonical_digest

        trained = [dict(self.trained), *map(dict, self.trained_at)]
        return canonical_digest(
            {
                "task": self.task.name,
                "protocol_version": self.task.protocol_version,
                "dataset": self.dataset.digest,
                "model": self.model.digest,
                "conditions": [dict(condition) for condition in self.conditions],
                "hyperparameters": dict(self.hyperparameters),
                "seeds": list(self.seeds),
                **({"target": self.task.other_target} if self.task.other_target else {}),
                **({"trained": trained} if self.trained else {}),
            }
        )

    @property
    def stem(self) -> str:
        from ..record.record import record_stem

        return record_stem(self.task.name, self.dataset.name, self.model.name, self.digest)

    @cached_property
    def view(self) -> View:
        from ..datasets.view import open_view

        return self.opened or open_view(self.task, Path(self.dataset.path))


def make_requests(
    task: Task, asked: RunRequest, workspace: Workspace, fixed: Mapping[str, Any] | None = None
) -> list[BenchmarkRequest]:
    """Return one request per model, with everything checked that can be before any work.

    `fixed` are hyperparameters that a study sets where a model has them.
    """
    cards = cards_of(task, asked.models)
    dataset, view = open_asked(task, asked.dataset, workspace, asked.failed_checks)
    file = None
    if asked.config is not None:
        from .tuning.configuration import read_configuration

        file = read_configuration(Path(asked.config))
        file.refuse_other(task, cards)

    def chosen(card: ModelCard) -> dict[str, Any]:
        given = {k: v for k, v in (fixed or {}).items() if k in card.hyperparameters}
        if file is not None and file.is_of(card):
            given |= file.hyperparameters
        # Files that are named as hyperparameters are kept in the workspace.
        given = keep_given_files({**given, **asked.hyperparameters}, workspace)
        return card.hyperparameters_for(task.name, dataset.name, given)

    hyperparameters = [chosen(card) for card in cards]
    cards = [card.reading(values) for card, values in zip(cards, hyperparameters, strict=True)]
    # Weights that are used as they are need nothing to train on; a model of all conditions at
    # once may be asked where nothing is trained.
    ready = all(values.get("epochs") == 0 for values in hyperparameters)
    anywhere = ready or all(card.conditions_per_fit == "all" for card in cards)
    conditions = choose_conditions(
        view.conditions("test" if asked.trained or anywhere else "train"),
        asked.axes,
        task.default_values(dataset.name),
        f"the training split with `{task.target}`" if task.other_target else "the training split",
    )
    trained_here = set(conditions) & set(view.conditions("train"))
    if not (trained_here or ready or asked.trained):
        raise WordError(
            f"the training split has nothing at {', '.join(c.name for c in conditions)}: ask for "
            f"conditions that it has too, such as {next(iter(conditions[0]))}=all"
        )
    with_floors = asked.floors and (asked.trained or len(trained_here) == len(conditions))
    of_floors = map(load_model_card, task.floors if with_floors else ())
    floors = [Floor(c, c.hyperparameters_for(task.name, dataset.name, {})) for c in of_floors]
    trained_at = training_conditions(view, conditions, asked.trained)
    return [
        BenchmarkRequest(
            task=task,
            dataset=dataset,
            model=card,
            conditions=conditions,
            hyperparameters=values,
            seeds=asked.seeds,
            cluster=asked.cluster,
            floors=tuple(floor for floor in floors if floor.card.digest != card.digest),
            threads=asked.threads,
            workers=asked.workers,
            tuning=file.statement(values) if file is not None and file.is_of(card) else None,
            trained=asked.trained,
            trained_at=trained_at,
            opened=view,
        )
        for card, values in zip(cards, hyperparameters, strict=True)
    ]


def task_of(values: Mapping[str, str], otherwise: str = "") -> Task:
    """Return the task that words name, about their target; `otherwise` ends the message."""
    if "task" not in values:
        raise WordError(f"`task=` is missing: `glassbench tasks` lists what there is{otherwise}")
    return load_task(values["task"]).asked_for(values.get("target", ""))


def cards_of(task: Task, words: Sequence[str]) -> list[ModelCard]:
    """Return the cards of the models that words name, once each.

    `quick` stands for those that the task calls so, for a first look in minutes; `all` for
    those that serve the task and can be read.
    """
    cards: dict[str, ModelCard] = {}
    for word in words:
        if word == "quick" and not task.quick:
            raise WordError(f"task {task.name} names no quick models: give model=NAME or all")
        if word == "all":
            named = [card for card in whole_models() if task.name in card.tasks]
        else:
            named = [load_model_card(name) for name in (task.quick if word == "quick" else [word])]
        cards |= {card.name: card for card in named}
    for card in cards.values():
        if task.name not in card.tasks:
            raise WordError(
                f"model {card.name} serves {', '.join(card.tasks)}, not {task.name}: "
                "`glassbench models` lists what each model serves"
            )
    return list(cards.values())


def open_asked(
    task: Task, word: str | None, workspace: Workspace, failed_checks: str | None = None
) -> tuple[DatasetReference, View]:
    """Return the dataset of a name or path (the default one for None), and the view of it.

    One whose physics failed is refused unless `failed_checks` is `allow`.
    """
    from ..datasets.physics import refuse_failed
    from ..datasets.view import open_view
    from ..home.cache import kept_in

    entry = find_dataset(task, word, workspace)
    try:
        view = open_view(task, entry.path)
    except DatasetError as error:
        if others := _holding_target(task, workspace) if task.other_target else []:
            raise DatasetError(f"{error}: give dataset={' or '.join(others)}") from None
        raise
    with kept_in(workspace.cache):
        refuse_failed(view.dataset, failed_checks)
    name = entry.name if entry.origin == "embedded" else dataset_at(entry.path).name
    return DatasetReference(name, str(entry.path), view.digest), view


def _holding_target(task: Task, workspace: Workspace) -> list[str]:
    """Return the embedded datasets of a task that hold its target."""
    from ..datasets.view import open_view

    names = []
    for name, entry in task.datasets.items():
        if entry.path is not None:
            with suppress(DatasetError):
                open_view(task, find_dataset(task, name, workspace).path)
                names.append(name)
    return names


def model_trials(request: BenchmarkRequest) -> list[Trial]:
    """Return the trials of the model: one for each seed, and condition where it fits only one."""
    return _trials(request, Floor(request.model, request.hyperparameters), request.seeds)


def floor_trials(request: BenchmarkRequest) -> list[Trial]:
    """Return the trials of the floors on the same conditions, with one seed."""
    of_floors = [_trials(request, f, (FLOOR_SEED,), floor=True) for f in request.floors]
    return [trial for trials in of_floors for trial in trials]


def _trials(
    request: BenchmarkRequest, model: Floor, seeds: Sequence[int], **more: Any
) -> list[Trial]:
    about = (request.task, request.dataset, request.conditions, request.trained_at)
    return plan_trials(model.card, *about, model.hyperparameters, seeds, **more)


def training_conditions(
    view: View, conditions: Sequence[Condition], trained: Mapping[str, float]
) -> tuple[Condition, ...]:
    """Return the condition at which to train for each that is tested; nothing without `trained`.

    It has the values in `trained`, and is the nearest to the tested one on the other axes, times
    in units of the relaxation time, within half a decade.
    """
    if not trained:
        return ()
    there = view.conditions("train")
    fitting = [
        c
        for c in there
        if all(math.isclose(c[a], v, rel_tol=RELATIVE_TOLERANCE) for a, v in trained.items())
    ]
    words = " ".join(f"{axis}={value:g}" for axis, value in trained.items())
    if not fitting:
        raise WordError(
            f"the training split has nothing at {words}: it has "
            f"{', '.join(condition.name for condition in there)}"
        )
    chosen = []
    for tested in conditions:
        apart = {c: decades_apart(c, tested, view, without=trained) for c in fitting}
        nearest = min(apart, key=apart.__getitem__)
        if apart[nearest] > ALIKE:
            raise WordError(
                f"no training condition at {words} is like {tested.name} within half a decade: "
                f"name one of {', '.join(condition.name for condition in fitting)}"
            )
        if nearest == tested:
            raise WordError(
                f"train words name {tested.name}, which is tested: leave them out, or name "
                "another condition"
            )
        chosen.append(nearest)
    return tuple(chosen)


def decades_apart(
    one: Condition, other: Condition, view: View, without: Mapping[str, float] | Sequence[str]
) -> float:
    """Return the distance of two conditions on all axes but those of `without`, in decades."""
    total = 0.0
    for axis in one:
        if axis in without:
            continue
        first, second = one[axis], other[axis]
        if axis == "time":
            relaxations = (view.attribute(c, "tau_alpha") for c in (one, other))
            known = [tau for tau in relaxations if tau]
            if len(known) == 2:
                first, second = first / known[0], second / known[1]
        if first > 0 and second > 0:
            total += abs(math.log10(first / second))
        elif first != second:
            total += math.inf
    return total
