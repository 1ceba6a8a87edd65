"""What a person asks for as complete, checked requests, and the trials that they take.

Everything that words name is found here, once; nobody after it asks a registry again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.conditions import choose_conditions
from ..contract.errors import DatasetError, WordError
from ..contract.trial_plan import DatasetReference, Trial, plan_trials
from ..home.workspace import Workspace, keep_given_files
from ..model import Condition
from ..plugins.datasets import dataset_at, find_dataset
from ..plugins.registry import load_model_card, load_task, whole_models
from .transfer import training_conditions
from .words import RunRequest

if TYPE_CHECKING:
    from ..contract.model_card import ModelCard
    from ..contract.task import Task
    from ..datasets.view import View
    from ..record.record import Tuning

FLOOR_SEED = 0


@dataclass(frozen=True)
class Floor:
    """A trivial model beside which others are shown, with its hyperparameters."""

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


def make_requests(task: Task, asked: RunRequest, workspace: Workspace) -> list[BenchmarkRequest]:
    """Return one request per model, with everything checked that can be before any work."""
    cards = cards_of(task, asked.models)
    dataset, view = open_asked(task, asked.dataset, workspace, asked.failed_checks)
    file = None
    if asked.config is not None:
        from .tuning.configuration import read_configuration

        file = read_configuration(Path(asked.config))
    given = {**({} if file is None else file.hyperparameters), **asked.hyperparameters}
    # Files that are named as hyperparameters are kept in the workspace.
    given = keep_given_files(given, workspace)
    hyperparameters = [card.hyperparameters_for(task.name, dataset.name, given) for card in cards]
    cards = [card.reading(values) for card, values in zip(cards, hyperparameters, strict=True)]
    floors = floors_of(task, dataset) if asked.floors else ()
    conditions = choose_conditions(
        view.conditions("test" if asked.trained else "train"),
        asked.axes,
        task.default_values(dataset.name),
        f"the training split with `{task.target}`" if task.other_target else "the training split",
    )
    trained_at = training_conditions(view, conditions, asked.trained)
    return [
        BenchmarkRequest(
            task=task,
            dataset=dataset,
            model=card,
            conditions=conditions,
            hyperparameters=chosen,
            seeds=asked.seeds,
            cluster=asked.cluster,
            floors=tuple(floor for floor in floors if floor.card.digest != card.digest),
            threads=asked.threads,
            workers=asked.workers,
            tuning=None if file is None else file.statement(chosen),
            trained=asked.trained,
            trained_at=trained_at,
            opened=view,
        )
        for card, chosen in zip(cards, hyperparameters, strict=True)
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

    entry = find_dataset(task, word, workspace)
    try:
        view = open_view(task, entry.path)
    except DatasetError as error:
        if others := _holding_target(task, workspace) if task.other_target else []:
            raise DatasetError(f"{error}: give dataset={' or '.join(others)}") from None
        raise
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


def floors_of(task: Task, dataset: DatasetReference) -> tuple[Floor, ...]:
    cards = map(load_model_card, task.floors)
    return tuple(
        Floor(card, card.hyperparameters_for(task.name, dataset.name, {})) for card in cards
    )


def model_trials(request: BenchmarkRequest) -> list[Trial]:
    """Return the trials of the model: one for each seed, and condition where it fits only one."""
    return _trials(request, request.model, request.hyperparameters, request.seeds)


def floor_trials(request: BenchmarkRequest) -> list[Trial]:
    """Return the trials of the floors on the same conditions, with one seed."""
    return [
        trial
        for floor in request.floors
        for trial in _trials(request, floor.card, floor.hyperparameters, (FLOOR_SEED,), floor=True)
    ]


def _trials(
    request: BenchmarkRequest,
    card: ModelCard,
    hyperparameters: Mapping[str, Any],
    seeds: Sequence[int],
    **more: Any,
) -> list[Trial]:
    about = (request.task, request.dataset)
    return plan_trials(
        card, *about, request.conditions, request.trained_at, hyperparameters, seeds, **more
    )
