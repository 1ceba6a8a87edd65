"""From a request to trials: plain data, importable without torch or Ray."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from ..model import Condition
from .variation import Variation, variation_from_json

if TYPE_CHECKING:
    from .model_card import ModelCard
    from .task import Task

STANDARD = Variation()


@dataclass(frozen=True)
class ModelReference:
    """A model as a trial knows it: its name, its folder and the digest of that folder."""

    __pydantic_config__ = {"extra": "forbid"}

    name: str
    folder: str
    digest: str
    conditions_per_fit: str = "one"


@dataclass(frozen=True)
class DatasetReference:
    """A dataset as a trial knows it: its name, where it lies and its content digest."""

    __pydantic_config__ = {"extra": "forbid"}

    name: str
    path: str
    digest: str


@dataclass(frozen=True)
class Trial:
    """One fit of one model with one seed, and the conditions on which it is scored."""

    task: str
    task_folder: str
    protocol_version: int
    dataset: DatasetReference
    model: ModelReference
    conditions: tuple[Condition, ...]
    hyperparameters: Mapping[str, Any]
    seed: int
    floor: bool = False
    variation: Variation = STANDARD

    @property
    def key(self) -> str:
        """The sha256 over all that can change the trial's result.

        Where files lie and whether the trial serves as a floor change nothing.
        """
        content = {
            "task": self.task,
            "protocol_version": self.protocol_version,
            "dataset": self.dataset.digest,
            "model": self.model.digest,
            "conditions": [list(map(list, c.values)) for c in self.conditions],
            "hyperparameters": dict(self.hyperparameters),
            "seed": self.seed,
        }
        if not self.variation.is_standard:
            content["variation"] = self.variation.to_json()
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def fit_key(self) -> str:
        """The key of the trial that needs this fit and nothing else.

        Trials that differ only in what is predicted share it.
        """
        variation = self.variation.of_fit()
        conditions = self.conditions
        if variation.train_condition is not None:
            conditions = (variation.train_condition,)
            variation = replace(variation, train_condition=None)
        return replace(self, conditions=conditions, variation=variation).key

    @property
    def name(self) -> str:
        """The trial in words, for progress lines and logs."""
        where = self.conditions[0].name if len(self.conditions) == 1 else "all conditions"
        words = [self.model.name, where, f"seed={self.seed}", self.variation.name]
        return " ".join(filter(None, words))

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `trial_from_json` reads back."""
        plain = asdict(self)
        plain["conditions"] = [dict(condition.values) for condition in self.conditions]
        del plain["variation"]
        if not self.variation.is_standard:
            plain["variation"] = self.variation.to_json()
        return plain


def trial_from_json(plain: Mapping[str, Any]) -> Trial:
    """Return the trial that `Trial.to_json` wrote."""
    values = dict(plain)
    values["dataset"] = DatasetReference(**values["dataset"])
    values["model"] = ModelReference(**values["model"])
    values["conditions"] = tuple(Condition.of(**c) for c in values["conditions"])
    values["variation"] = variation_from_json(values.get("variation", {}))
    return Trial(**values)


def reference_of(card: ModelCard) -> ModelReference:
    return ModelReference(card.name, str(card.folder), card.digest, card.conditions_per_fit)


def plan_trials(
    card: ModelCard,
    task: Task,
    dataset: DatasetReference,
    conditions: Sequence[Condition],
    hyperparameters: Mapping[str, Any],
    seeds: Sequence[int],
    **more: Any,
) -> list[Trial]:
    """Return the trials of a model on a dataset of a task; `more` as in `make_trials`."""
    return make_trials(
        task=task.name,
        task_folder=str(task.folder),
        protocol_version=task.protocol_version,
        dataset=dataset,
        model=reference_of(card),
        conditions=conditions,
        hyperparameters=hyperparameters,
        seeds=seeds,
        **more,
    )


def make_trials(
    *,
    task: str,
    task_folder: str,
    protocol_version: int,
    dataset: DatasetReference,
    model: ModelReference,
    conditions: Sequence[Condition],
    hyperparameters: Mapping[str, Any],
    seeds: Sequence[int],
    floor: bool = False,
    variation: Variation = STANDARD,
) -> list[Trial]:
    """Return one trial per seed, and per condition for models that fit one condition at a time.

    Where all are trained at one condition elsewhere, one trial is scored at every condition.
    """
    together = model.conditions_per_fit == "all" or variation.train_condition is not None
    groups = [tuple(conditions)] if together else [(condition,) for condition in conditions]
    return [
        Trial(
            task=task,
            task_folder=task_folder,
            protocol_version=protocol_version,
            dataset=dataset,
            model=model,
            conditions=group,
            hyperparameters=dict(hyperparameters),
            seed=seed,
            floor=floor,
            variation=variation,
        )
        for group in groups
        for seed in seeds
    ]
