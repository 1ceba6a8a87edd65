"""A tuning study: what is tuned, on what, and which hyperparameters come next.

An equal study continues in the same folder, with the same suggestions: one follows from the
seed, its number and (for Optuna) the trials before it, and nothing is kept between two calls.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...contract.errors import UserError
from ...contract.hyperparameters import LOGARITHMIC, WHOLE, Dimension
from ...contract.trial_plan import DatasetReference, Trial, Variation, digest_of, plan_trials
from ...home.workspace import Workspace
from ...model import Condition
from .trials import Journal, TuningTrial

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

    from ...contract.model_card import ModelCard
    from ...contract.task import Task

SCHEDULERS, SEARCHES = ("asha", "pbt", "none"), ("random", "optuna")
ON_VALIDATION = Variation(scored_split="valid")
# A model without the hyperparameter `epochs` may still report epochs.
EPOCHS_UNKNOWN = 100
# A search ends after so many draws in a row without a new point.
FRUITLESS = 1000
# Random points before the tree-structured Parzen estimator takes over, and its tries.
STARTUP, OPTUNA_TRIES = 8, 3

Point = dict[str, Any]


@dataclass(frozen=True)
class TuningStudy:
    """The search for the hyperparameters of one model with the best validation score.

    `hyperparameters` are those of trial 0, untuned; the score is a mean over the conditions.
    """

    task: Task
    dataset: DatasetReference
    model: ModelCard
    conditions: tuple[Condition, ...]
    hyperparameters: Mapping[str, Any]
    space: tuple[Dimension, ...]
    seed: int
    search: str
    scheduler: str
    metric: str
    trials: int

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Return all that decides what is tried, as plain values.

        The number of trials does not count, so that a study can be prolonged; under PBT it
        does, since the population trains together.
        """
        identity = {
            "task": self.task.name,
            "protocol_version": self.task.protocol_version,
            "dataset": self.dataset.digest,
            "model": self.model.digest,
            "conditions": [dict(condition) for condition in self.conditions],
            "hyperparameters": dict(self.hyperparameters),
            "space": [[d.name, d.words] for d in self.space],
            "seed": self.seed,
            "search": self.search,
            "scheduler": self.scheduler,
            "metric": self.metric,
        }
        if self.task.other_target:
            identity["target"] = self.task.other_target
        return identity | ({"population": self.trials} if self.scheduler == "pbt" else {})

    @cached_property
    def digest(self) -> str:
        return digest_of(self.identity)

    @property
    def higher_is_better(self) -> bool:
        return self.task.metric(self.metric).higher_is_better

    @property
    def on_primary(self) -> bool:
        """Whether trials are ranked by the metric with which epochs are validated."""
        return self.metric == self.task.primary_metric.name

    @property
    def most_epochs(self) -> int:
        for dimension in self.space:
            if dimension.name == "epochs":
                return int(max(dimension.values, default=dimension.high))
        return int(self.hyperparameters.get("epochs", EPOCHS_UNKNOWN))

    def folder(self, workspace: Workspace) -> Path:
        from ...record.record import record_stem

        stem = record_stem(self.task.name, self.dataset.name, self.model.name, self.digest)
        return workspace.home / "tuning" / stem

    def trial_key(self, index: int) -> str:
        """Return the name of the folder that holds the log of a trial."""
        return hashlib.sha256(f"{self.digest}/{index}".encode()).hexdigest()

    def searched(self, hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
        return {dimension.name: hyperparameters[dimension.name] for dimension in self.space}

    def fits(self, hyperparameters: Mapping[str, Any]) -> list[Trial]:
        """Return the fits of one set of hyperparameters, to which the test split stays closed."""
        return plan_trials(
            self.model,
            self.task,
            self.dataset,
            self.conditions,
            (),
            hyperparameters,
            (self.seed,),
            variation=ON_VALIDATION,
        )


def next_trial(study: TuningStudy, journal: Journal) -> TuningTrial | None:
    """Begin the next trial in the journal; None where there are enough or no point is new."""
    trials = journal.trials
    if len(trials) >= study.trials:
        return None
    tried = {_identity(study.searched(trial.hyperparameters)) for trial in trials}
    new = (point for point in _points(study, trials) if _identity(point) not in tried)
    point = next(new, None)
    return None if point is None else journal.suggested({**study.hyperparameters, **point})


def check_search(search: str) -> None:
    if search == "optuna" and find_spec("optuna") is None:
        raise UserError(
            "search=optuna needs Optuna, which is not installed: "
            "pip install 'glassbench[tune]', or take search=random"
        )


def _points(study: TuningStudy, trials: list[TuningTrial]) -> Iterator[Point]:
    """Yield what may be tried next, the most wanted first; trial 0 is the model untuned."""
    if not trials:
        yield study.searched(study.hyperparameters)
    if study.search == "optuna":
        yield from _optuna_points(study, trials)
    yield from _random_points(study)


def _random_points(study: TuningStudy) -> Iterator[Point]:
    """Yield the points of a random search in order, each once."""
    import numpy as np

    generator, seen, fruitless = np.random.default_rng([study.seed, 7]), set(), 0
    while fruitless < FRUITLESS:
        point = {dimension.name: dimension.draw(generator) for dimension in study.space}
        fruitless += 1
        if _identity(point) not in seen:
            seen.add(_identity(point))
            fruitless = 0
            yield point


def _identity(point: Mapping[str, Any]) -> str:
    return json.dumps(point, sort_keys=True)


def _optuna_points(study: TuningStudy, trials: list[TuningTrial]) -> Iterator[Point]:
    """Yield suggestions of a tree-structured Parzen estimator that knows the trials so far."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    distributions = {d.name: _distribution(d) for d in study.space}
    for attempt in range(OPTUNA_TRIES):
        sampler = optuna.samplers.TPESampler(
            seed=(study.seed * 10_007 + len(trials)) * OPTUNA_TRIES + attempt,
            n_startup_trials=STARTUP,
            constant_liar=True,
        )
        search = optuna.create_study(
            sampler=sampler, direction="maximize" if study.higher_is_better else "minimize"
        )
        for trial in trials:
            point = study.searched(trial.hyperparameters)
            if all(dimension.contains(point[dimension.name]) for dimension in study.space):
                search.add_trial(_known(study, trial, point, distributions))
        asked = search.ask(distributions).params
        yield {d.name: _value(d, asked[d.name]) for d in study.space}


def _distribution(dimension: Dimension) -> BaseDistribution:
    from optuna import distributions

    if dimension.distribution == "choice":
        # Optuna takes plain values only: the position in the list is one.
        return distributions.CategoricalDistribution(tuple(range(len(dimension.values))))
    low, high, step = dimension.low, dimension.high, dimension.step
    if step and dimension.count:
        # Optuna wants an upper end that the steps reach.
        high = low + (dimension.count - 1) * step
    log = dimension.distribution in LOGARITHMIC
    if dimension.distribution in WHOLE:
        return distributions.IntDistribution(int(low), int(high), log=log, step=int(step or 1))
    return distributions.FloatDistribution(low, high, log=log, step=step)


def _value(dimension: Dimension, value: Any) -> Any:
    if dimension.distribution == "choice":
        return dimension.values[value]
    return value if dimension.distribution in WHOLE else dimension.rounded(value)


def _known(
    study: TuningStudy, trial: TuningTrial, point: Point,
    distributions: dict[str, BaseDistribution],
) -> FrozenTrial:  # fmt: skip
    from optuna.trial import TrialState, create_trial

    for dimension in study.space:
        if dimension.distribution == "choice":
            point[dimension.name] = dimension.values.index(point[dimension.name])
    complete = TrialState.FAIL if trial.score is None else TrialState.COMPLETE
    states = {
        "finished": complete,
        "stopped": TrialState.PRUNED,
        "failed": TrialState.FAIL,
        "running": TrialState.RUNNING,
    }
    return create_trial(
        state=states[trial.state],
        value=trial.score if trial.state == "finished" else None,
        params=point,
        distributions=distributions,
        intermediate_values=trial.reports if trial.state == "stopped" else {},
    )
