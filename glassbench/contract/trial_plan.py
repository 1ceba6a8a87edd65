"""From a request to trials, and how a trial of a study or of tuning may depart from its task.

Plain data, importable without torch or Ray. A trial without any variation is the standard
one, which alone stands in records; its key and its JSON know nothing of variations.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from ..model import Condition
from .errors import UserError

if TYPE_CHECKING:
    from .model_card import ModelCard
    from .task import Task

SCORED_SPLITS = ("test", "valid")
ACTIONS = ("remove", "displace", "none")


def digest_of(plain: Any) -> str:
    """Return the sha256 by which what is asked for is known: of a trial, a sweep, a study."""
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Perturbation:
    """What happens to the neighbours of a particle before a model predicts it.

    Every particle to predict, a centre, has a structure of its own, in which the neighbours
    at inner <= r < outer from the centre are removed or displaced; only the prediction for
    the centre counts. A UserError names a number out of its range.

    Attributes
    ----------
    action : `remove`; `displace`, by a vector of length `amplitude`, unit of the positions, and
        random direction, drawn for each neighbour; or `none`, to compare with
    inner, outer : ends of the shell, unit of the positions; no outer end where None
    centres : number of them in each configuration, drawn from its name
    in_training : whether the model is trained on perturbed structures too
    """

    action: str
    inner: float = 0.0
    outer: float | None = None
    amplitude: float = 0.0
    centres: int = 100
    in_training: bool = False

    def __post_init__(self) -> None:
        # One perturbation has one JSON, whether its lengths were written 2 or 2.0.
        for name in ("inner", "outer", "amplitude"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, float(getattr(self, name)))
        if self.action not in ACTIONS:
            raise UserError(f"action `{self.action}` is none of {', '.join(ACTIONS)}")
        if self.inner < 0 or (self.outer is not None and self.outer <= self.inner):
            end = "no end" if self.outer is None else f"{self.outer:g}"
            raise UserError(f"the shell from {self.inner:g} to {end} is empty")
        if self.amplitude < 0 or (self.amplitude > 0) != (self.action == "displace"):
            raise UserError(
                f"amplitude {self.amplitude:g} does not fit to {self.action}: "
                "a displacement has one above 0, a removal has none"
            )
        if self.action == "none" and (self.inner, self.outer) != (0.0, None):
            raise UserError("a shell was given in which nothing happens: leave it out")
        if self.centres < 2:
            raise UserError(f"centres is {self.centres}: a correlation needs 2 particles at least")
        if self.in_training and self.action == "displace":
            raise UserError("a model is trained on cut structures, not on displaced ones")

    @property
    def name(self) -> str:
        """The perturbation in words, such as `remove r>=2.5`."""
        if self.action == "none":
            return f"{self.centres} particles of each"
        ends = [f"r>={self.inner:g}" if self.inner else ""]
        ends.append("" if self.outer is None else f"r<{self.outer:g}")
        by = f" by {self.amplitude:g}" if self.amplitude else ""
        return " ".join(filter(None, [self.action, *ends])) + by


@dataclass(frozen=True)
class Variation:
    """What departs from the task's standard use of a dataset.

    Attributes
    ----------
    training_configurations : number of configurations to train on, taken parent by parent in
        an order drawn from the trial's seed, so that the subsets of a seed are nested; all
        where None
    train_condition : condition at which the model is trained; that of the trial where None
    other_targets : whether the model may leave the task's target unpredicted, and is scored
        on what it predicts
    """

    scored_split: str = "test"
    training_configurations: int | None = None
    train_condition: Condition | None = None
    perturbation: Perturbation | None = None
    other_targets: bool = False

    def __post_init__(self) -> None:
        if self.scored_split not in SCORED_SPLITS:
            raise UserError(
                f"scored_split `{self.scored_split}` is none of {', '.join(SCORED_SPLITS)}"
            )
        if self.training_configurations is not None and self.training_configurations < 1:
            raise UserError(
                f"training_configurations is {self.training_configurations}: it must be 1 or more"
            )

    @property
    def is_standard(self) -> bool:
        """Whether nothing departs from the task's standard use of a dataset."""
        return self == Variation()

    @property
    def name(self) -> str:
        """What departs from the standard, in words; empty where nothing does."""
        parts = (
            "" if self.scored_split == "test" else f"scored on {self.scored_split}",
            self.training_configurations and f"trained on {self.training_configurations}",
            self.train_condition and f"trained at {self.train_condition.name}",
            self.perturbation and self.perturbation.name,
            "any target" if self.other_targets else "",
        )
        return ", ".join(part for part in parts if part)

    def of_fit(self) -> Variation:
        """Return that part of the variation on which the fitted model depends."""
        perturbation = self.perturbation
        if perturbation is not None and not perturbation.in_training:
            perturbation = None
        return replace(self, perturbation=perturbation, other_targets=False)

    def to_json(self) -> dict[str, Any]:
        """Return what departs from the standard, as plain values; empty where nothing does."""
        own = {field.name: (getattr(self, field.name), field.default) for field in fields(self)}
        plain = {name: value for name, (value, standard) in own.items() if value != standard}
        if self.train_condition is not None:
            plain["train_condition"] = dict(self.train_condition)
        if self.perturbation is not None:
            plain["perturbation"] = asdict(self.perturbation)
        return plain


def variation_from_json(plain: Mapping[str, Any]) -> Variation:
    """Return the variation that `Variation.to_json` wrote."""
    values = dict(plain)
    if "train_condition" in values:
        values["train_condition"] = Condition.of(**values["train_condition"])
    if "perturbation" in values:
        values["perturbation"] = Perturbation(**values["perturbation"])
    return Variation(**values)


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
    target: str = ""  # asked for in place of the task's own

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
        if self.target:
            content["target"] = self.target
        return digest_of(content)

    @property
    def fit_key(self) -> str:
        """The key of the trial that needs this fit and nothing else.

        Trials that differ only in what is predicted share it.
        """
        variation = replace(self.variation.of_fit(), train_condition=None)
        return replace(self, conditions=self.fit_conditions, variation=variation).key

    @property
    def fit_conditions(self) -> tuple[Condition, ...]:
        """The conditions at which the model is trained."""
        elsewhere = self.variation.train_condition
        return self.conditions if elsewhere is None else (elsewhere,)

    @property
    def name(self) -> str:
        """The trial in words, for progress lines and logs."""
        where = self.conditions[0].name if len(self.conditions) == 1 else "all conditions"
        target = f"target={self.target}" if self.target else ""
        words = [self.model.name, target, where, f"seed={self.seed}", self.variation.name]
        return " ".join(filter(None, words))

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `trial_from_json` reads back."""
        plain = asdict(self)
        plain["conditions"] = [dict(condition.values) for condition in self.conditions]
        del plain["variation"]
        if not self.variation.is_standard:
            plain["variation"] = self.variation.to_json()
        if not self.target:
            del plain["target"]
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
    trained_at: Sequence[Condition],
    hyperparameters: Mapping[str, Any],
    seeds: Sequence[int],
    **more: Any,
) -> list[Trial]:
    """Return the trials of a model on a dataset of a task; `more` are other fields of them.

    `trained_at` holds the condition at which the model is trained for each of the conditions;
    empty for the same.
    """
    template = Trial(
        task=task.name,
        task_folder=str(task.folder),
        protocol_version=task.protocol_version,
        dataset=dataset,
        model=reference_of(card),
        conditions=(),
        hyperparameters=dict(hyperparameters),
        seed=0,
        target=task.other_target,
        **more,
    )
    if not trained_at:
        return make_trials(template, conditions, seeds)
    trials: list[Trial] = []
    for condition, elsewhere in zip(conditions, trained_at, strict=True):
        there = replace(template, variation=Variation(train_condition=elsewhere))
        trials += make_trials(there, (condition,), seeds)
    return trials


def make_trials(
    template: Trial, conditions: Sequence[Condition], seeds: Sequence[int]
) -> list[Trial]:
    """Return one trial per seed, and per condition for models that fit one condition at a time.

    Where all are trained at one condition elsewhere, one trial is scored at every condition.
    """
    elsewhere = template.variation.train_condition is not None
    together = template.model.conditions_per_fit == "all" or elsewhere
    groups = [tuple(conditions)] if together else [(condition,) for condition in conditions]
    return [replace(template, conditions=group, seed=s) for group in groups for s in seeds]
