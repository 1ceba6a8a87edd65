from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import pearsonr

from glassbench import load_task
from glassbench.trial.predictions import write_predictions

CONDITION = "temperature=0.64 time=5"


@pytest.fixture(scope="module")
def problem(tiny_dataset):
    return load_task("ka_propensity", tiny_dataset)


@pytest.fixture(scope="module")
def guesses(problem):
    """The test configurations' number of neighbours, negated: right in sign, far from perfect."""
    found = {}
    for structure in problem.structures("test", time=5.0):
        vectors = structure.positions[:, None] - structure.positions[None]
        vectors -= structure.box * np.round(vectors / structure.box)
        count = (np.linalg.norm(vectors, axis=-1) < 1.3).sum(axis=1)
        found[structure.configuration] = {"propensity": -count.astype(np.float32)}
    return found


def _score(glassbench, path: Path, dataset: Path, *words: str):
    return glassbench("score", str(path), "task=ka_propensity", f"dataset={dataset}", *words)


def test_the_score_is_scipys_pearson_averaged_over_test_configurations(
    glassbench, tmp_path, tiny_dataset, problem, guesses
):
    path = tmp_path / "predictions.npz"
    write_predictions(path, {CONDITION: guesses})
    answer = _score(glassbench, path, tiny_dataset, "--json")
    assert answer.code == 0, answer.err
    (scored,) = json.loads(answer.out)["conditions"]
    expected = [
        pearsonr(
            guesses[e.structure.configuration]["propensity"][e.structure.species == 0],
            e.targets["propensity"][e.structure.species == 0],
        ).statistic
        for e in problem.examples("test", time=5.0)
    ]
    entry = scored["scores"]["pearson_a"]
    assert entry["seeds"][0]["by_configuration"] == pytest.approx(expected, rel=1e-5)
    assert entry["value"] == pytest.approx(np.mean(expected), rel=1e-5)
    low, high = entry["interval"]
    assert low < entry["value"] < high
    assert 0 < scored["ceiling"]["pearson_a"]["value"] <= 1
    assert scored["tau_alpha"] == 10.0


def test_people_see_the_table_of_a_run(glassbench, tmp_path, tiny_dataset, guesses):
    path = tmp_path / "predictions.npz"
    write_predictions(path, {CONDITION: guesses})
    answer = _score(glassbench, path, tiny_dataset)
    assert "Pearson, type A [95 %]" in answer.out
    assert "score/ceiling" in answer.out
    assert "pearson_b" in answer.out


@pytest.mark.parametrize("where", ["scalars", "words", "both"])
def test_any_framework_may_write_the_file(glassbench, tmp_path, tiny_dataset, guesses, where):
    path = tmp_path / "plain.npz"
    scalars = {} if where == "words" else {"temperature": 0.64, "time": 5.0}
    np.savez(
        path,
        configuration=list(guesses),
        propensity=np.stack([g["propensity"] for g in guesses.values()]),
        **scalars,
    )
    words = [] if where == "scalars" else ["time=5", "temperature=0.64"]
    answer = _score(glassbench, path, tiny_dataset, *words)
    assert answer.code == 0, answer.err
    missing = _score(glassbench, path, tiny_dataset, "time=0.5")
    assert missing.code == 2
    wanted = "names temperature and time" if where == "words" else "time=5, not for time=0.5"
    assert wanted in missing.err


def test_a_missing_test_configuration_is_named(glassbench, tmp_path, tiny_dataset, guesses):
    path = tmp_path / "predictions.npz"
    kept = dict(list(guesses.items())[1:])
    write_predictions(path, {CONDITION: kept})
    answer = _score(glassbench, path, tiny_dataset)
    assert answer.code == 2
    assert f"no predictions for test configuration {next(iter(guesses))}" in answer.err


def test_other_splits_are_not_scored(glassbench, tmp_path, tiny_dataset, problem, guesses):
    path = tmp_path / "predictions.npz"
    write_predictions(path, {CONDITION: guesses})
    alone = json.loads(_score(glassbench, path, tiny_dataset, "--json").out)
    train = {
        e.structure.configuration: {"propensity": e.targets["propensity"]}
        for e in problem.examples("train", time=5.0)
    }
    write_predictions(path, {CONDITION: train | guesses})
    answer = _score(glassbench, path, tiny_dataset, "--json")
    assert json.loads(answer.out)["conditions"] == alone["conditions"]
    assert f"{len(train)} configurations are not of the test split" in answer.err


def test_a_constant_prediction_is_undefined(glassbench, tmp_path, tiny_dataset, guesses):
    path = tmp_path / "predictions.npz"
    constant = {c: {"propensity": np.ones_like(g["propensity"])} for c, g in guesses.items()}
    write_predictions(path, {CONDITION: constant})
    answer = _score(glassbench, path, tiny_dataset)
    assert answer.code == 0
    row = next(line for line in answer.out.splitlines() if line.startswith("0.64"))
    assert "undefined" in row
    assert "0.000" not in row


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: {"propensity": g["propensity"][:-1]}, "have the shape"),
        (lambda g: {"propensty": g["propensity"]}, "there is no `propensity`"),
    ],
)
def test_what_does_not_fit_is_named(glassbench, tmp_path, tiny_dataset, guesses, change, message):
    path = tmp_path / "predictions.npz"
    write_predictions(path, {CONDITION: {c: change(g) for c, g in guesses.items()}})
    answer = _score(glassbench, path, tiny_dataset)
    assert answer.code == 2
    assert message in answer.err


def test_a_condition_that_the_dataset_lacks_is_answered_with_what_it_has(
    glassbench, tmp_path, tiny_dataset, guesses
):
    path = tmp_path / "predictions.npz"
    write_predictions(path, {"temperature=0.64 time=7": guesses})
    answer = _score(glassbench, path, tiny_dataset)
    assert answer.code == 2
    assert "no time 7 at temperature 0.64" in answer.err or "no time 7: it has 0.5, 5" in answer.err
