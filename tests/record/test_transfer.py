"""What a record says of fits that were scored at other conditions."""

from __future__ import annotations

import pytest

from glassbench.model import Condition
from glassbench.plugins.registry import load_task
from glassbench.record.make import transfer_entry
from glassbench.trial.result import ConditionScores, Score, TrialResult

RATES = (1e12, 1e11, 1e10)


def scored(rate: float, prediction: float, target: float, value: float = 0.5) -> ConditionScores:
    return ConditionScores(
        condition={"cooling_rate": rate},
        configurations=("a", "b"),
        parents=("p", "q"),
        scores={"pearson": Score(value, (value, value)), "offset": Score(None, (None, None))},
        means={"prediction": prediction, "target": target},
    )


def result(seed: int, own: ConditionScores, *transfer: ConditionScores) -> TrialResult:
    return TrialResult("key", {"seed": seed}, (own,), (), {}, {}, transfer=transfer)


@pytest.fixture
def task():
    return load_task("cuzr_stiffness")


AT = Condition.of(cooling_rate=1e13)


def test_means_are_ranked_over_all_rates_the_own_among_them(task):
    others = [scored(rate, 0.8 + k / 100, 0.9 + k / 10) for k, rate in enumerate(RATES)]
    entry = transfer_entry(task, AT, [result(0, scored(1e13, 0.7, 0.75), *others)])
    assert [e["condition"]["cooling_rate"] for e in entry["conditions"]] == list(RATES)
    assert entry["rank_order"] == pytest.approx(1)
    assert dict(entry["means"]) == {"prediction": 0.7, "target": 0.75}
    swapped = [scored(rate, 0.8 - k / 100, 0.9 + k / 10) for k, rate in enumerate(RATES)]
    entry = transfer_entry(task, AT, [result(0, scored(1e13, 0.9, 0.75), *swapped)])
    assert entry["rank_order"] == pytest.approx(-1)


def test_seeds_are_averaged_and_undefined_scores_stay_undefined(task):
    fits = [
        result(seed, scored(1e13, 0.7, 0.75), scored(1e12, 0.8 + seed / 10, 0.9, 0.4 + seed / 10))
        for seed in (0, 1)
    ]
    (other,) = transfer_entry(task, AT, fits)["conditions"]
    assert other["means"]["prediction"] == pytest.approx(0.85)
    assert other["scores"]["pearson"]["value"] == pytest.approx(0.45)
    assert [seed["seed"] for seed in other["scores"]["pearson"]["seeds"]] == [0, 1]
    assert other["scores"]["offset"]["value"] is None


def test_equal_means_have_no_order_and_nothing_elsewhere_no_entry(task):
    own = scored(1e13, 0.7, 0.75)
    flat = transfer_entry(task, AT, [result(0, own, scored(1e12, 0.7, 0.75))])
    assert flat["rank_order"] is None
    assert transfer_entry(task, AT, [result(0, own)]) is None
    elsewhere = result(0, scored(1e12, 0.7, 0.75), own)
    assert transfer_entry(task, AT, [elsewhere]) is None
