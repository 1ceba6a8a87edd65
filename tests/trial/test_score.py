"""Scores and ceilings of the propensity task on a small dataset."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import pearsonr

from glassbench.contract.task import read_task
from glassbench.datasets.view import open_view
from glassbench.home.workspace import content_folder
from glassbench.model import Condition
from glassbench.trial.score import (
    PredictionsError,
    noise_ceilings,
    primary_score,
    score_condition,
    true_values,
)

CONDITION = Condition.of(temperature=0.64, time=5.0)
COLLECTIVE = {"spread_a", "s4_a", "xi4_a", "chi4_a"}


@pytest.fixture(scope="module")
def task():
    return read_task(Path(content_folder("tasks")) / "ka_propensity")


@pytest.fixture(scope="module")
def view(task, tiny_dataset):
    return open_view(task, tiny_dataset)


def truth(view):
    return {e.structure.configuration: dict(e.targets) for e in view.examples("test", [CONDITION])}


def test_the_truth_scores_one_in_every_metric(task, view):
    scores = score_condition(task, view, CONDITION, truth(view))
    ranking = {"pearson_a", "pearson_a_pooled", "pearson_b", "pair_pearson_a"}
    assert set(scores.scores) == ranking | COLLECTIVE
    assert [scores.scores[n].value for n in ranking] == pytest.approx([1.0] * 4)
    assert scores.configurations == ("test0", "test1", "test2")
    assert scores.parents == ("parent-test0", "parent-test1", "parent-test2")


def test_the_primary_metric_is_the_mean_over_configurations_of_type_a(task, view):
    generator = np.random.default_rng(1)
    guesses, expected = {}, []
    for example in view.examples("test", [CONDITION]):
        target = example.targets["propensity"]
        guess = target + generator.normal(scale=target.std(), size=len(target))
        guesses[example.structure.configuration] = {"propensity": guess}
        a = example.structure.species == 0
        expected.append(pearsonr(guess[a], target[a])[0])
    score = score_condition(task, view, CONDITION, guesses).scores["pearson_a"]
    assert score.by_configuration == pytest.approx(expected)
    assert score.value == pytest.approx(np.mean(expected))


def test_what_is_pooled_brings_an_interval_over_parents(task, view):
    generator = np.random.default_rng(2)
    guesses = {
        name: {"propensity": t["propensity"] + generator.normal(size=108)}
        for name, t in truth(view).items()
    }
    scores = score_condition(task, view, CONDITION, guesses).scores
    low, high = scores["pearson_a_pooled"].interval
    assert low < scores["pearson_a_pooled"].value < high
    assert scores["pearson_a"].interval is None  # it follows from the configurations


def test_a_constant_prediction_is_undefined_not_zero(task, view):
    guesses = {name: {"propensity": np.ones(108)} for name in truth(view)}
    score = score_condition(task, view, CONDITION, guesses).scores["pearson_a"]
    assert score.value is None
    assert score.by_configuration == (None, None, None)


def test_a_prediction_without_the_target_of_the_task_is_named(task, view):
    examples = list(view.examples("valid", view.conditions()[:1]))
    pairs = [{"pair_distance_change": e.targets["pair_distance_change"]} for e in examples]
    with pytest.raises(PredictionsError, match="no prediction of `propensity`.*but of pair_dis"):
        primary_score(task, pairs, examples)


def test_a_missing_configuration_and_a_wrong_length_are_named(task, view):
    guesses = truth(view)
    short = guesses | {"test1": {"propensity": np.arange(7.0)}}
    with pytest.raises(PredictionsError, match=r"test1 have the shape \(7,\).*\(108,\)"):
        score_condition(task, view, CONDITION, short)
    holes = guesses | {"test1": {"propensity": np.full(108, np.nan)}}
    with pytest.raises(PredictionsError, match="108 of 108 values that are not finite"):
        score_condition(task, view, CONDITION, holes)
    del guesses["test1"]
    with pytest.raises(PredictionsError, match="no predictions for test configuration test1"):
        score_condition(task, view, CONDITION, guesses)


def test_ceilings_follow_from_the_halves(task, view):
    ceilings = noise_ceilings(task, view, CONDITION)
    assert set(ceilings) == {"pearson_a", "pearson_a_pooled", "pearson_b", "pair_pearson_a"}
    first, second, pairs = view.halves("propensity", CONDITION, "test0")
    assert pairs is None
    a = view.structures("test", CONDITION)[0].species == 0
    half = pearsonr(first[a], second[a])[0]
    expected = np.sqrt(2 * half / (1 + half))
    assert ceilings["pearson_a"].by_configuration[0] == pytest.approx(expected, rel=1e-5)
    assert 0 < ceilings["pearson_a"].value < 1


def test_a_model_sees_only_the_tiers_that_it_reads(task, tiny_dataset):
    thermal = open_view(task, tiny_dataset, reads=("thermal",))
    structure = thermal.structures("test", CONDITION)[0]
    assert structure.inherent_positions is None
    assert structure.pairs.shape[1] == 2


def test_splits_share_no_parent(view):
    parents = [set(view.parents(split, CONDITION)) for split in ("train", "valid", "test")]
    assert not (parents[0] & parents[1] or parents[0] & parents[2] or parents[1] & parents[2])


def test_a_collective_metric_is_the_ratio_to_labels_without_their_noise(task, view):
    a_of, products, guesses = [], [], {}
    for example in view.examples("test", [CONDITION]):
        name, a = example.structure.configuration, example.structure.species == 0
        first, second, _ = view.halves("propensity", CONDITION, name)
        products.append(np.cov(first[a], second[a], bias=True)[0, 1])
        guesses[name] = {"propensity": 0.5 * example.targets["propensity"]}
        a_of.append(guesses[name]["propensity"][a].var())
    score = score_condition(task, view, CONDITION, guesses).scores["spread_a"]
    assert score.value == pytest.approx(np.sqrt(np.mean(a_of) / np.mean(products)))
    assert score.interval[0] < score.value < score.interval[1]
    assert len(score.by_configuration) == 3
    true = true_values(task, view, CONDITION)
    assert set(true) == COLLECTIVE
    assert true["spread_a"].value == pytest.approx(np.sqrt(np.mean(products)))
