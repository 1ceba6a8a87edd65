"""Suggestions: which hyperparameters a study tries next, the same for the same seed.

A suggestion is a function of the seed, its number, and (for Optuna) of what the trials
before it came to; nothing is kept between two calls, so that a study which goes on after a
crash suggests what it would have suggested.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...contract.errors import UserError
from ...contract.search_space import LOGARITHMIC, WHOLE, Dimension
from .journal import TuningTrial

SEARCHES = ("random", "optuna")
# So many draws in a row that give nothing new end a search.
PATIENCE = 1000
STARTUP = 8

Point = dict[str, Any]


class SearchError(UserError):
    """A search cannot be done here; the message says what to install or to change."""


def suggest(
    search: str,
    space: Sequence[Dimension],
    first: Mapping[str, Any],
    seed: int,
    trials: Sequence[TuningTrial],
    higher_is_better: bool = True,
) -> Point | None:
    """Return the values that the next trial takes, None where there is nothing new to try.

    Parameters
    ----------
    first : values of trial 0, those that the model has without tuning
    trials : all trials so far, by their number; the next one has the number `len(trials)`

    Raises
    ------
    SearchError
        If Optuna is asked for and not installed.
    """
    names = [dimension.name for dimension in space]
    tried = {_identity({name: t.hyperparameters[name] for name in names}) for t in trials}
    if not trials:
        return {name: first[name] for name in names}
    if search == "optuna":
        for point in _optuna_points(space, seed, trials, higher_is_better):
            if _identity(point) not in tried:
                return point
    return next((p for p in random_points(space, seed) if _identity(p) not in tried), None)


def random_points(space: Sequence[Dimension], seed: int) -> Iterator[Point]:
    """Yield the points of a random search in their order, each once."""
    import numpy as np

    generator, seen, fruitless = np.random.default_rng([seed, 7]), set(), 0
    while fruitless < PATIENCE:
        point = {dimension.name: dimension.draw(generator) for dimension in space}
        fruitless += 1
        if _identity(point) not in seen:
            seen.add(_identity(point))
            fruitless = 0
            yield point


def _identity(point: Mapping[str, Any]) -> str:
    return json.dumps(point, sort_keys=True)


def check_search(search: str) -> None:
    """Refuse a search whose library is not installed.

    Raises
    ------
    SearchError
        With the line that installs it.
    """
    if search != "optuna":
        return
    try:
        import optuna  # noqa: F401
    except ImportError:
        raise SearchError(
            "search=optuna needs Optuna, which is not installed: "
            "pip install 'glassbench[tune]', or take search=random"
        ) from None


def _optuna_points(
    space: Sequence[Dimension], seed: int, trials: Sequence[TuningTrial], higher_is_better: bool
) -> Iterator[Point]:
    """Yield what a tree-structured Parzen estimator suggests, with a few seeds of its own."""
    check_search("optuna")
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    distributions = {dimension.name: _distribution(dimension) for dimension in space}
    for attempt in range(3):
        sampler = optuna.samplers.TPESampler(
            seed=(seed * 10_007 + len(trials)) * 3 + attempt,
            n_startup_trials=STARTUP,
            constant_liar=True,
        )
        direction = "maximize" if higher_is_better else "minimize"
        study = optuna.create_study(sampler=sampler, direction=direction)
        for trial in trials:
            known = _known(trial, space, distributions)
            if known is not None:
                study.add_trial(known)
        asked = study.ask(distributions).params
        yield {d.name: _value(d, asked[d.name]) for d in space}


def _distribution(dimension: Dimension):
    from optuna import distributions

    low, high = dimension.low, dimension.high
    if dimension.step:
        # Optuna wants an end that the steps reach.
        high = low + (dimension.count - 1) * dimension.step
    if dimension.distribution == "choice":
        # Optuna wants plain values; the place among them is one.
        return distributions.CategoricalDistribution(tuple(range(len(dimension.values))))
    log = dimension.distribution in LOGARITHMIC
    if dimension.distribution in WHOLE:
        return distributions.IntDistribution(low, high, log=log, step=dimension.step or 1)
    return distributions.FloatDistribution(low, high, log=log, step=dimension.step)


def _value(dimension: Dimension, value: Any) -> Any:
    if dimension.distribution == "choice":
        return dimension.values[value]
    return value if dimension.distribution in WHOLE else dimension.rounded(value)


def _known(trial: TuningTrial, space: Sequence[Dimension], distributions: Mapping):
    """Return a trial as Optuna knows it, None where its values lie outside the space."""
    from optuna.trial import TrialState, create_trial

    own = {d.name: trial.hyperparameters[d.name] for d in space}
    if not all(d.contains(own[d.name]) for d in space):
        return None
    params = {
        d.name: d.values.index(own[d.name]) if d.distribution == "choice" else own[d.name]
        for d in space
    }
    states = {
        "finished": TrialState.COMPLETE if trial.score is not None else TrialState.FAIL,
        "stopped": TrialState.PRUNED,
        "failed": TrialState.FAIL,
        "running": TrialState.RUNNING,
    }
    return create_trial(
        state=states[trial.state],
        value=trial.score if trial.state == "finished" else None,
        params=params,
        distributions=dict(distributions),
        intermediate_values=dict(trial.reports) if trial.state == "stopped" else {},
    )
