"""What a varied trial learns from, is asked about, and is scored on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from glassbench.contract.errors import UserError
from glassbench.contract.trial_plan import (
    DatasetReference,
    ModelReference,
    Perturbation,
    Trial,
    Variation,
)
from glassbench.datasets.store import open_dataset
from glassbench.datasets.view import open_view
from glassbench.home.workspace import Workspace, content_folder
from glassbench.metrics import pearson
from glassbench.model import Condition
from glassbench.plugins.registry import load_model_card, load_task
from glassbench.trial.perturbation import draw_centres
from glassbench.trial.predictions import read_predictions
from glassbench.trial.run import run_trial
from glassbench.trial.stages import fit_examples, training_subset

EARLY, LATE = (Condition.of(temperature=0.64, time=time) for time in (0.5, 5.0))
SMALL = {"smallest_radius": 0.8, "largest_radius": 2.2, "step": 0.1}


@pytest.fixture(scope="module")
def task():
    return load_task("ka_propensity")


@pytest.fixture(scope="module")
def view(task, tiny_dataset):
    return open_view(task, tiny_dataset, reads=("thermal",))


@pytest.fixture(scope="module")
def trial(tiny_dataset):
    card = load_model_card("neighbour_count_ridge")
    chosen = card.hyperparameters_for("ka_propensity", "tiny", SMALL)
    return Trial(
        task="ka_propensity",
        task_folder=str(Path(content_folder("tasks")) / "ka_propensity"),
        protocol_version=1,
        dataset=DatasetReference("tiny", str(tiny_dataset), open_dataset(tiny_dataset).digest),
        model=ModelReference(card.name, str(card.folder), card.digest),
        conditions=(LATE,),
        hyperparameters=chosen,
        seed=0,
    )


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return Workspace(tmp_path_factory.mktemp("varied"))


def names(examples):
    return [example.structure.configuration for example in examples]


def test_training_subsets_of_one_seed_are_nested_and_leave_other_splits_alone(view, trial):
    chosen = [set(names(training_subset(view, (LATE,), n, seed=3))) for n in (1, 2, 4)]
    assert [len(c) for c in chosen] == [1, 2, 4]
    assert chosen[0] < chosen[1] < chosen[2] == set(names(view.examples("train", (LATE,))))
    firsts = {names(training_subset(view, (LATE,), 1, seed))[0] for seed in range(20)}
    assert len(firsts) > 1
    varied = replace(trial, variation=Variation(training_configurations=2))
    assert names(fit_examples(view, varied, "valid")) == ["valid0", "valid1"]
    with pytest.raises(UserError, match="is 5: the training split has 4"):
        training_subset(view, (LATE,), 5, seed=0)


def test_a_trial_on_fewer_configurations_is_the_ridge_of_those(view, trial, workspace):
    result = run_trial(replace(trial, variation=Variation(training_configurations=1)), workspace)
    whole = run_trial(trial, workspace)
    assert result.conditions[0].configurations == whole.conditions[0].configurations
    assert result.conditions[0].scores["pearson_a"] != whole.conditions[0].scores["pearson_a"]
    assert result.trial["variation"] == {"training_configurations": 1}


def test_all_configurations_give_the_scores_of_the_standard_trial(trial, workspace):
    everything = replace(trial, variation=Variation(training_configurations=4))
    assert run_trial(everything, workspace).conditions == run_trial(trial, workspace).conditions


def test_a_model_trained_elsewhere_gives_its_predictions_for_each_condition(trial, workspace):
    varied = replace(trial, conditions=(EARLY, LATE), variation=Variation(train_condition=EARLY))
    result = run_trial(varied, workspace)
    home = run_trial(replace(trial, conditions=(EARLY,)), workspace)
    assert result.conditions[0] == home.conditions[0]
    predictions = read_predictions(workspace.trial_folder(varied.key) / "predictions.npz")
    # The structures are those of one temperature: asked at either time, one answer.
    for name, prediction in predictions[EARLY.name].items():
        assert np.array_equal(prediction["propensity"], predictions[LATE.name][name]["propensity"])
    assert result.conditions[1].scores != result.conditions[0].scores


def test_a_stored_fit_serves_the_trials_that_share_it(trial, workspace):
    run_trial(replace(trial, conditions=(EARLY,)), workspace)
    varied = replace(trial, conditions=(LATE, EARLY), variation=Variation(train_condition=EARLY))
    assert varied.fit_key == replace(trial, conditions=(EARLY,)).key
    result = run_trial(varied, workspace)
    assert result.history == ()
    assert not (workspace.trial_folder(varied.key) / "fitted").exists()


def test_cutting_beyond_a_models_reach_changes_nothing_but_the_choice_of_particles(
    view, trial, workspace
):
    """A count within 2.0 does not see what was removed beyond it."""
    short = replace(trial, hyperparameters=dict(trial.hyperparameters) | {"largest_radius": 2.0})
    cut = Perturbation("remove", inner=2.1, centres=30)
    varied = replace(short, variation=Variation(perturbation=cut))
    assert varied.fit_key == short.key
    whole, scored = run_trial(short, workspace), run_trial(varied, workspace)
    folder = workspace.trial_folder
    full = read_predictions(folder(whole.key) / "predictions.npz")[LATE.name]
    some = read_predictions(folder(scored.key) / "predictions.npz")[LATE.name]
    values = []
    for example in view.examples("test", (LATE,)):
        name = example.structure.configuration
        centres = draw_centres(name, len(example.structure.positions), 30)
        assert np.allclose(some[name]["propensity"], full[name]["propensity"][centres], atol=1e-6)
        of_a = example.structure.species[centres] == 0
        truth = example.targets["propensity"][centres]
        values.append(pearson(some[name]["propensity"][of_a], truth[of_a]))
    assert list(scored.conditions[0].scores) == ["pearson_a"]
    assert scored.conditions[0].scores["pearson_a"].by_configuration == pytest.approx(values)


def test_a_model_trained_on_lone_particles_knows_their_species_alone(trial, workspace):
    lone = Perturbation("remove", inner=0.3, centres=40, in_training=True)
    result = run_trial(replace(trial, variation=Variation(perturbation=lone)), workspace)
    # All particles of type A look the same: no correlation is defined.
    assert result.conditions[0].scores["pearson_a"].value is None


def test_displaced_neighbours_change_predictions_within_reach_alone(trial, workspace):
    def values(inner, outer):
        shaken = Perturbation("displace", inner, outer, amplitude=0.01, centres=4)
        varied = replace(
            trial,
            hyperparameters=dict(trial.hyperparameters) | {"largest_radius": 1.5},
            variation=Variation(perturbation=shaken),
        )
        run_trial(varied, workspace)
        stored = read_predictions(workspace.trial_folder(varied.key) / "predictions.npz")
        return np.concatenate([p["propensity"] for p in stored[LATE.name].values()])

    assert np.array_equal(values(1.6, 1.8), values(1.7, 2.0))
    assert not np.array_equal(values(0.0, 1.4), values(1.7, 2.0))


def test_a_sample_on_both_sides_is_refused(view, trial, monkeypatch):
    varied = replace(trial, conditions=(LATE,), variation=Variation(train_condition=EARLY))
    monkeypatch.setattr(type(view), "parents", lambda self, split, condition: ["shared"])
    with pytest.raises(UserError, match="sample shared is in the training split"):
        fit_examples(view, varied, "train")
