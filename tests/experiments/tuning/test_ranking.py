"""Who comes first, what the best file says, and what is drawn."""

import pytest

from glassbench.experiments.tuning.study import (
    TuningTrial,
    best_trial,
    draw_tuning,
    ranked,
    study_plain,
    tuning_statement,
    tuning_words,
)

from ...climber import study_of, write_climber


def trial(index, state, score, seconds=1.0):
    cost = {"wall_seconds": seconds, "cpu_seconds": 2 * seconds, "gpu_seconds": 0.0}
    values = {"quality": index / 10, "epochs": 4, "seconds": 0.0, "wish": ""}
    return TuningTrial(index, values, state, {1: 0.1}, score, cost=cost)


TRIALS = [
    trial(0, "finished", 0.3),
    trial(1, "stopped", 0.9, 0.5),
    trial(2, "finished", 0.5),
    trial(3, "failed", None),
    trial(4, "finished", None),
    trial(5, "finished", 0.5),
]


@pytest.fixture
def study(tmp_path, tiny_dataset):
    return study_of(write_climber(tmp_path / "climber"), tiny_dataset)


def test_trials_that_ran_to_their_end_come_first_whatever_a_stopped_one_had(study):
    assert [t.index for t in ranked(study, TRIALS)] == [2, 5, 0, 4, 1, 3]
    assert best_trial(study, TRIALS).index == 2
    assert best_trial(study, TRIALS[1:2]) is None
    assert best_trial(study, []) is None


def test_the_statement_adds_up_the_cost(study):
    statement = tuning_statement(study, TRIALS)
    assert (statement.trials, statement.finished, statement.stopped) == (6, 4, 1)
    assert statement.wall_seconds == 5.5 and statement.cpu_seconds == 11.0
    assert statement.validation_score == 0.5
    words = tuning_words(statement | {"changed": ["quality"]})
    for part in ("6 trials", "1 stopped early", "random search", "0.500", "changed since: quality"):
        assert part in words


def test_the_report_names_every_trial_with_what_was_searched(study):
    plain = study_plain(study, TRIALS)
    assert plain["best"] == 2 and len(plain["trials"]) == 6
    assert plain["trials"][0]["hyperparameters"] == {"quality": 0.2}
    assert plain["trials"][0]["reports"] == {"1": 0.1}


def test_score_against_cost_is_drawn_where_there_is_a_score(study, tmp_path):
    path = draw_tuning(study, TRIALS, tmp_path / "a.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert draw_tuning(study, TRIALS[3:5], tmp_path / "b.png") is None


def test_more_trials_prolong_a_study_and_anything_else_makes_another(study):
    from dataclasses import replace

    assert replace(study, trials=50).digest == study.digest
    for change in ({"seed": 1}, {"search": "optuna"}, {"scheduler": "asha"}, {"space": ()}):
        assert replace(study, **change).digest != study.digest
    pbt = replace(study, scheduler="pbt")
    assert replace(pbt, trials=50).digest != pbt.digest
    (fit,) = study.fits(study.hyperparameters)
    assert fit.variation.scored_split == "valid"
