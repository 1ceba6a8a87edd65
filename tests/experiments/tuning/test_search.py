"""The same seed and the same results give the same suggestions."""

import sys

import pytest

from glassbench.contract.errors import UserError
from glassbench.contract.hyperparameters import parse_space
from glassbench.experiments.tuning.search import Journal, TrialReport, check_search, next_trial

from ...climber import study_of, write_climber

DEFAULTS = {"x": 0.9, "kind": "b", "width": 64}
SPACE = parse_space(
    {
        "x": {"distribution": "uniform", "low": 0.0, "high": 1.0},
        "kind": {"distribution": "choice", "values": ["a", "b"]},
        "width": {"distribution": "loginteger", "low": 8, "high": 512},
    },
    DEFAULTS,
)


@pytest.fixture
def searched(tmp_path, tiny_dataset):
    """Return a function that returns the points of a study whose trials end one after another."""
    model, studies = write_climber(tmp_path / "climber"), iter(range(9))

    def points(search, count, seed=0, space=SPACE, score=lambda p: -((p["x"] - 0.2) ** 2)):
        study = study_of(
            model, tiny_dataset, space=space, seed=seed, search=search, trials=count,
            hyperparameters=DEFAULTS,
        )  # fmt: skip
        journal = Journal(tmp_path / str(next(studies)))
        while (trial := next_trial(study, journal)) is not None:
            value = score(trial.hyperparameters)
            journal.reported(trial.index, TrialReport(1, value))
            state = "stopped" if trial.index % 4 == 3 else "finished"
            journal.ended(trial.index, state, score=value)
        return [study.searched(trial.hyperparameters) for trial in journal.trials]

    return points


@pytest.mark.parametrize("search", ["random", "optuna"])
def test_suggestions_follow_from_the_seed_and_begin_with_the_model_as_it_is(searched, search):
    if search == "optuna":
        pytest.importorskip("optuna", reason="Optuna is not installed (extra `tune`)")
    first, again, other = (searched(search, 10, seed) for seed in (0, 0, 1))
    assert first == again and first[1:] != other[1:]
    assert first[0] == other[0] == DEFAULTS
    assert all(d.contains(p[d.name]) for p in first for d in SPACE)


def test_optuna_learns_from_scores_and_knows_trials_that_still_run(
    searched, tmp_path, tiny_dataset
):
    pytest.importorskip("optuna", reason="Optuna is not installed (extra `tune`)")
    late = {
        search: sum(abs(p["x"] - 0.2) for p in searched(search, 30)[-15:]) / 15
        for search in ("optuna", "random")
    }
    assert late["optuna"] < 0.25 < late["random"], "a uniform draw is 0.34 away on average"
    study = study_of(
        write_climber(tmp_path / "again"), tiny_dataset, space=SPACE, search="optuna", trials=9,
        hyperparameters=DEFAULTS,
    )  # fmt: skip
    journal = Journal(tmp_path / "running")
    first = next_trial(study, journal)
    journal.ended(first.index, "failed", error="it broke")
    assert next_trial(study, journal).state == "running"
    assert next_trial(study, journal) is not None


@pytest.mark.parametrize("search", ["random", "optuna"])
def test_nothing_is_tried_twice_and_a_small_space_comes_to_an_end(searched, search):
    if search == "optuna":
        pytest.importorskip("optuna", reason="Optuna is not installed (extra `tune`)")
    small = tuple(d for d in SPACE if d.name == "kind")
    points = searched(search, 6, space=small, score=lambda p: 0.0)
    assert sorted(p["kind"] for p in points) == ["a", "b"]


def test_without_optuna_the_line_that_installs_it_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UserError, match=r"pip install 'glassbench\[tune\]'"):
        check_search("optuna")
    check_search("random")
