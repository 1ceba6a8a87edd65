"""The search of a tuning study: its journal, from which it continues, and what is tried next.

An equal study continues in the same folder, with the same suggestions: one follows from the
seed, its number and (for Optuna) the trials before it, and nothing is kept between two calls.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...contract.errors import UserError
from ...contract.hyperparameters import LOGARITHMIC, WHOLE, Dimension
from ...home.files import append_json_line, read_json_lines
from .study import NO_COST, TuningStudy, TuningTrial

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

JOURNAL_FILE = "journal.jsonl"
# A search ends after so many draws in a row without a new point.
FRUITLESS = 1000
# Random points before the tree-structured Parzen estimator takes over, and its tries.
STARTUP, OPTUNA_TRIES = 8, 3

Point = dict[str, Any]


@dataclass(frozen=True)
class TrialReport:
    """A trial after an epoch or at its end; `validation` is the mean of the best scores so far."""

    epoch: int
    validation: float | None
    ended: bool = False
    score: float | None = None
    error: str = ""
    cost: Mapping[str, float] = field(default_factory=lambda: dict(NO_COST))


@dataclass(frozen=True)
class TuningEvent:
    """What happened to a trial: `known`, `started`, `report`, `retried`, or its final state."""

    kind: str
    trial: TuningTrial
    message: str = ""


OnTuningEvent = Callable[[TuningEvent], None]


class Journal:
    """The trials of a study, written by one process at a time; an event is first on disk."""

    def __init__(self, folder: Path, on_event: OnTuningEvent = lambda event: None) -> None:
        self.path, self.on_event = folder / JOURNAL_FILE, on_event
        self.trials: list[TuningTrial] = []
        self._spent: dict[int, dict[str, float]] = {}
        for event in read_json_lines(self.path):
            if isinstance(event, dict) and "event" in event:
                self._apply(event)

    def suggested(self, hyperparameters: Mapping[str, Any]) -> TuningTrial:
        return self._note("suggested", len(self.trials), hyperparameters=hyperparameters)

    def started(self, index: int) -> None:
        # What this attempt takes comes on top of what earlier ones took.
        self._spent[index] = self.trials[index].cost
        self._tell("started", self._note("started", index))

    def reported(
        self, index: int, report: TrialReport, hyperparameters: Mapping[str, Any] | None = None
    ) -> None:
        """Note a report that is not known yet; hyperparameters are given where they may change."""
        trial, spent = self.trials[index], self._spent.get(index, NO_COST)
        cost = {name: spent[name] + seconds for name, seconds in report.cost.items()}
        current = trial.hyperparameters if hyperparameters is None else hyperparameters
        if report.error:
            self.ended(index, "failed", error=report.error, cost=cost)
        elif report.ended:
            self.ended(index, "finished", score=report.score, cost=cost, hyperparameters=current)
        elif report.epoch not in trial.reports or current != trial.hyperparameters:
            facts: dict[str, Any] = {"epoch": report.epoch, "score": report.validation}
            self._note("report", index, **facts, cost=cost, hyperparameters=current)
            self._tell("report", trial)

    def ended(self, index: int, state: str, **facts: Any) -> None:
        self._note("ended", index, state=state, **facts)
        self._tell(state, self.trials[index], facts.get("error", ""))

    def retried(self, index: int) -> None:
        self._tell("retried", self.trials[index], "its worker died; another one continues")

    def _tell(self, kind: str, trial: TuningTrial, message: str = "") -> None:
        self.on_event(TuningEvent(kind, trial, message))

    def _note(self, event: str, index: int, **facts: Any) -> TuningTrial:
        line = {"event": event, "trial": index, **facts, "time": round(time.time(), 3)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        append_json_line(self.path, line)
        self._apply(line)
        return self.trials[index]

    def _apply(self, event: Mapping[str, Any]) -> None:
        if event["event"] == "suggested":
            self.trials.append(TuningTrial(event["trial"], {}, began=event["time"]))
        trial = self.trials[event["trial"]]
        trial.noted = event["time"]
        trial.hyperparameters = dict(event.get("hyperparameters", trial.hyperparameters))
        trial.cost = dict(event.get("cost", trial.cost))
        if event["event"] == "report":
            trial.reports[event["epoch"]] = event["score"]
        else:
            trial.state = event.get("state", "running")
            trial.score, trial.error = event.get("score"), event.get("error", "")


def finite(value: Any) -> float | None:
    """Return a number as float, None for what is no finite number."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


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
