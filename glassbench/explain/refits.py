"""Scores that need the model again: with fewer training configurations, at other conditions."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..contract.checked import finite_ends
from ..contract.errors import UserError
from ..contract.model_card import ModelCard, read_model_card
from ..metrics import Interval, interval_of_mean, paired_difference
from ..metrics.bootstrap import FEWEST_FOR_INTERVAL
from ..model import Condition, Example, Model
from ..trial.result import ConditionScores
from ..trial.score import score_condition
from ..trial.stages import fit_run
from .fits import Explained, Fit

POINTS = 4


def learning_curve(
    explained: Explained, fit: Fit, report: Callable[[str], None] = lambda line: None
) -> dict[str, Any]:
    """Fit the model again on halves, quarters, … of the training configurations.

    The largest set is the whole one, so that the last point is that of the record: where
    one fit serves one condition, from its stored predictions. Configurations are left out
    from the end, whole parents together. Returned is a `LearningCurve` of the schema.
    """
    card = _card(explained, fit)
    train = list(explained.view.examples("train", (fit.condition,)))
    points: list[dict[str, Any]] = []
    before: Sequence[float] | None = None
    for number in sorted({max(1, len(train) >> k) for k in range(POINTS)}):
        if number == len(train) and card.conditions_per_fit == "one":
            scores = _stored_scores(explained, fit)
        else:
            report(f"{fit.condition.name}: fitting on {number} of {len(train)} configurations")
            scores = _refit(explained, fit, card, train[:number])
        own, difference = _by_configuration(explained, scores), None
        if own is not None and before is not None:
            difference = _ends(paired_difference(own, before, scores.parents).difference)
        point = {"configurations": number, **_value(explained, scores), "difference": difference}
        points.append(point)
        before = own
    return {"condition": dict(fit.condition), "points": points}


def transfer_scores(explained: Explained) -> list[dict[str, Any]]:
    """Score every fitted model, which must be able to load, at every condition of the record."""
    pairs = []
    for fit in explained.fits:
        card = _card(explained, fit)
        model = fit.fresh_model(card)
        if not hasattr(model, "load") or not (fit.folder / "fitted").is_dir():
            raise UserError(
                f"model {card.name} has no `save` and `load`, so that its fit cannot be used at "
                "other conditions: leave out transfer=on"
            )
        model.load(fit.folder / "fitted")
        for other in explained.fits:
            if other.condition == fit.condition:
                scores = _stored_scores(explained, fit)
            else:
                scores = _new_scores(explained, model, other.condition)
            ends = {"trained_on": dict(fit.condition), "tested_on": dict(other.condition)}
            pairs.append(ends | _value(explained, scores))
    return pairs


def _card(explained: Explained, fit: Fit) -> ModelCard:
    card = read_model_card(Path(fit.trial.model.folder))
    if card.digest != explained.record["model"]["digest"]:
        raise UserError(
            f"model {card.name} in {card.folder} has changed since the record was made: run the "
            "request again, then explain it"
        )
    return card


def _refit(
    explained: Explained, fit: Fit, card: ModelCard, train: Sequence[Example]
) -> ConditionScores:
    model, conditions = fit.fresh_model(card), (fit.condition,)
    valid = list(explained.view.examples("valid", conditions))
    with tempfile.TemporaryDirectory() as folder:
        run = fit_run(explained.task, Path(folder), seed=fit.trial.seed, conditions=conditions)
        model.fit(train, valid, run)
    return _new_scores(explained, model, fit.condition)


def _new_scores(explained: Explained, model: Model, condition: Condition) -> ConditionScores:
    structures = explained.view.structures("test", condition)
    answers = model.predict(structures, condition)
    predictions = {s.configuration: a for s, a in zip(structures, answers, strict=True)}
    return score_condition(explained.task, explained.view, condition, predictions)


def _stored_scores(explained: Explained, fit: Fit) -> ConditionScores:
    return score_condition(explained.task, explained.view, fit.condition, fit.predictions)


def _value(explained: Explained, scores: ConditionScores) -> dict[str, Any]:
    own = _by_configuration(explained, scores)
    interval = None if own is None else _ends(interval_of_mean(own, scores.parents))
    return {"value": scores.scores[explained.metric.name].value, "interval": interval}


def _by_configuration(explained: Explained, scores: ConditionScores) -> Sequence[float] | None:
    """Return the primary metric by configuration, None where it is not a mean over them."""
    if explained.metric.average != "configuration":
        return None
    values = scores.scores[explained.metric.name].by_configuration
    return [np.nan if value is None else value for value in values]


def _ends(interval: Interval) -> list[float] | None:
    """Return the ends of an interval, None where it rests on too few independent samples."""
    return finite_ends(interval) if interval.clusters >= FEWEST_FOR_INTERVAL else None
