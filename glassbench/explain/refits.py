"""Scores that need the model again: with fewer training configurations, at other conditions."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..contract.checked import finite_ends
from ..contract.model_card import ModelCard, read_model_card
from ..metrics import Interval, interval_of_mean, paired_difference
from ..metrics.bootstrap import FEWEST_FOR_INTERVAL
from ..model import Condition, Example, Model
from ..trial.result import ConditionScores
from ..trial.score import score_condition
from ..trial.stages import fit_run
from .fits import Explained, ExplainError, Fit

POINTS = 4


def learning_curve(
    explained: Explained, fit: Fit, report: Callable[[str], None] = lambda line: None
) -> dict[str, Any]:
    """Fit the model again on halves, quarters, … of the training configurations.

    The largest set is the whole one, so that the last point is that of the record: where
    one fit serves one condition, from its stored predictions. Configurations are left out
    from the end, whole parents together.

    Returns
    -------
    dict with `condition` and `points`, as the schema of explanations says
    """
    card = _card(explained, fit)
    train = list(explained.view.examples("train", (fit.condition,)))
    points: list[dict[str, Any]] = []
    before: ConditionScores | None = None
    for number in _numbers(len(train)):
        if number == len(train) and card.conditions_per_fit == "one":
            scores = _stored_scores(explained, fit)
        else:
            report(f"{fit.condition.name}: fitting on {number} of {len(train)} configurations")
            scores = _refit(explained, fit, card, train[:number])
        points.append(_point(explained, number, scores, before))
        before = scores
    return {"condition": dict(fit.condition), "points": points}


def _refit(
    explained: Explained, fit: Fit, card: ModelCard, train: Sequence[Example]
) -> ConditionScores:
    """Return the scores of the model when it is fitted on some of the training examples."""
    model, conditions = fit.fresh_model(card), (fit.condition,)
    valid = list(explained.view.examples("valid", conditions))
    with tempfile.TemporaryDirectory() as folder:
        run = fit_run(explained.task, Path(folder), seed=fit.trial.seed, conditions=conditions)
        model.fit(train, valid, run)
    return _scores(explained, model, fit.condition)


def transfer_scores(explained: Explained) -> list[dict[str, Any]]:
    """Score every fitted model at every condition of the record.

    Raises
    ------
    ExplainError
        If the model cannot be loaded again.
    """
    pairs = []
    for fit in explained.fits:
        card = _card(explained, fit)
        model = fit.fresh_model(card)
        if not hasattr(model, "load") or not (fit.folder / "fitted").is_dir():
            raise ExplainError(
                f"model {card.name} has no `save` and `load`, so that its fit cannot be used at "
                "other conditions: leave out transfer=on"
            )
        model.load(fit.folder / "fitted")
        for other in explained.fits:
            if other.condition == fit.condition:
                scores = _stored_scores(explained, fit)
            else:
                scores = _scores(explained, model, other.condition)
            value, interval = _value(explained, scores)
            pairs.append(
                {
                    "trained_on": dict(fit.condition),
                    "tested_on": dict(other.condition),
                    "value": value,
                    "interval": interval,
                }
            )
    return pairs


def _numbers(total: int) -> list[int]:
    """Return total, total / 2, total / 4, …, from few to all."""
    return sorted({max(1, total >> k) for k in range(POINTS)})


def _card(explained: Explained, fit: Fit) -> ModelCard:
    card = read_model_card(Path(fit.trial.model.folder))
    if card.digest != explained.record["model"]["digest"]:
        raise ExplainError(
            f"model {card.name} in {card.folder} has changed since the record was made: run the "
            "request again, then explain it"
        )
    return card


def _scores(explained: Explained, model: Model, condition: Condition) -> ConditionScores:
    structures = explained.view.structures("test", condition)
    answers = model.predict(structures, condition)
    predictions = {s.configuration: a for s, a in zip(structures, answers, strict=True)}
    return score_condition(explained.task, explained.view, condition, predictions)


def _stored_scores(explained: Explained, fit: Fit) -> ConditionScores:
    """Return the scores of the fit as it stands in the record."""
    return score_condition(explained.task, explained.view, fit.condition, fit.predictions)


def _point(
    explained: Explained, number: int, scores: ConditionScores, before: ConditionScores | None
) -> dict[str, Any]:
    value, interval = _value(explained, scores)
    difference = None
    if before is not None and explained.metric.average == "configuration":
        own, earlier = (_by_configuration(explained, each) for each in (scores, before))
        difference = _ends(paired_difference(own, earlier, scores.parents).difference)
    return {
        "configurations": number, "value": value, "interval": interval, "difference": difference,
    }  # fmt: skip


def _value(
    explained: Explained, scores: ConditionScores
) -> tuple[float | None, list[float] | None]:
    value = scores.scores[explained.metric.name].value
    if explained.metric.average != "configuration":
        return value, None
    return value, _ends(interval_of_mean(_by_configuration(explained, scores), scores.parents))


def _ends(interval: Interval) -> list[float] | None:
    """Return the ends of an interval, None where it rests on too few independent samples."""
    return finite_ends(interval) if interval.clusters >= FEWEST_FOR_INTERVAL else None


def _by_configuration(explained: Explained, scores: ConditionScores) -> Sequence[float]:
    values = scores.scores[explained.metric.name].by_configuration
    return [np.nan if value is None else value for value in values]
