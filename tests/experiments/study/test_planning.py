"""Which trials a study has, and which studies are refused."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from glassbench.contract.errors import UserError
from glassbench.experiments.study.declaration import (
    StudyError,
    find_study,
    list_studies,
)
from glassbench.experiments.study.planning import alike, parse_study, title_of_group
from glassbench.model import Condition
from glassbench.plugins.registry import load_task

AXES = ("temperature", "time")


def models(planned):
    """Return the trials of the model in the order of the study, without the floors."""
    series = [series for series in planned.plan.series if not series.floor]
    return [trial for each in series for trial in planned.plan.trials_of(each)]


def settings(planned, name):
    return sorted({trial.hyperparameters[name] for trial in models(planned)})


def test_every_study_names_its_source_and_has_a_name_of_its_own():
    studies = list_studies()
    assert len({study.name for study in studies}) == len(studies) >= 10
    assert all(study.source and study.title for study in studies)
    with pytest.raises(StudyError, match="there is no study `round`: did you mean `rounds`"):
        find_study("round")


def test_all_training_configurations_are_the_standard_trial(make_plan):
    planned = make_plan("training_configurations", "time=5", "floors=off")
    sizes = [trial.variation.training_configurations for trial in models(planned)]
    assert sorted(sizes, key=str) == [1, 1, 1, 2, 2, 2, None, None, None]
    assert {trial.seed for trial in models(planned)} == {0, 1, 2}
    (curve,) = planned.panels["T = 0.64, t = 5"]
    assert [(p.x, p.text) for p in curve.points] == [(1, "1"), (2, "2"), (4, "4")]


def test_a_hyperparameter_takes_its_values_and_starts_without_pretraining(make_plan):
    planned = make_plan("rounds", "values=1,3", "time=5", model="botan")
    assert settings(planned, "recurrences") == [1, 3]
    assert settings(planned, "pretrained") == ["none"]
    assert {t.model.name for t in planned.plan.trials if t.floor} == {
        "local_energy", "local_density", "number_of_neighbours",
    }  # fmt: skip
    chosen = make_plan("rounds", "values=1", "model.pretrained=mini", model="botan")
    assert settings(chosen, "pretrained") == ["mini"]


def test_single_changes_are_each_made_by_itself(make_plan):
    values = "values=none,p=1,recurrences=3+width=32"
    planned = make_plan("single_changes", values, "time=5", "floors=off", model="botan")
    made = [(t.hyperparameters["p"], t.hyperparameters["recurrences"]) for t in models(planned)]
    assert sorted(made) == [(0.4, 3), (0.4, 7), (1.0, 7)]
    of_nt_gnn = make_plan("single_changes", "time=5", "floors=off", model="nt_gnn")
    assert settings(of_nt_gnn, "standardise") == [False, True]
    assert "p=1" not in [series.label for series in of_nt_gnn.plan.series]
    with pytest.raises(StudyError, match="no hyperparameter `widht`"):
        make_plan("single_changes", "values=widht=3", model="botan")


def test_p_is_drawn_for_particles_and_for_pairs(make_plan):
    planned = make_plan("p", "time=5", "values=0.2,1", model="botan")
    (curves,) = planned.panels.values()
    assert [curve.metric for curve in curves] == ["pearson_a", "pair_pearson_a"]
    assert settings(planned, "p") == [0.2, 1.0]


def test_edge_features_stand_in_their_order(make_plan):
    planned = make_plan("edge_features", "time=5", model="nt_gnn")
    ((curve,),) = planned.panels.values()
    assert [(p.x, p.text) for p in curve.points] == [
        (0, "none"), (1, "distance"), (2, "vector"),
    ]  # fmt: skip


def test_one_fit_at_each_time_is_tested_at_all(make_plan):
    planned = make_plan("transfer_time", "floors=off")
    assert len(planned.plan.planned) == 2
    for trial in models(planned):
        assert [c["time"] for c in trial.conditions] == [0.5, 5.0]
        assert trial.variation.train_condition in trial.conditions
    assert [curve.label for curve in planned.panels["T = 0.64"]] == [
        "neighbour_count_ridge, trained at t = 0.5", "neighbour_count_ridge, trained at t = 5",
    ]  # fmt: skip


def test_temperatures_are_paired_at_the_same_time_of_relaxation(make_plan, two_temperatures):
    planned = make_plan("transfer_temperature", "values=0.8", dataset=two_temperatures)
    trials = models(planned)
    assert [dict(t.variation.train_condition) for t in trials] == [
        {"temperature": 0.8, "time": 0.5}, {"temperature": 0.8, "time": 5.0},
    ]  # fmt: skip
    for trial in trials:
        assert {c["temperature"] for c in trial.conditions} == {0.64, 0.8}
        assert len({c["time"] for c in trial.conditions}) == 1


def test_temperatures_that_relax_at_different_rates_are_paired_in_units_of_their_rate():
    rates = {0.44: 4120.0, 0.64: 16.5}
    conditions = tuple(
        Condition.of(temperature=temperature, time=time)
        for temperature, times in ((0.44, (13.0, 130.0, 4120.0)), (0.64, (0.52, 16.5)))
        for time in times
    )
    view = SimpleNamespace(attribute=lambda condition, name: rates[condition["temperature"]])
    subject = SimpleNamespace(
        task=load_task("ka_propensity"),
        view=view,
        dataset=SimpleNamespace(name="published"),
        conditions=conditions,
    )
    groups = alike("temperature", subject)
    assert [[c["time"] for c in group] for group in groups] == [
        [130.0, 0.52], [4120.0, 16.5],
    ]  # fmt: skip
    assert title_of_group(subject.task, groups[1], "temperature") == "T = 0.44, t = 4120, and alike"


def test_a_removed_shell_is_trained_on_unless_it_is_said(make_plan):
    planned = make_plan("shells_removed", "values=1,2", "time=5", "centres=7", "floors=off")
    cuts = [t.variation.perturbation for t in models(planned)]
    assert [(c.action, c.inner, c.in_training, c.centres) for c in cuts] == [
        ("remove", 1, True, 7), ("remove", 2, True, 7), ("none", 0, True, 7),
    ]  # fmt: skip
    assert len(planned.stages) == 1
    off = make_plan("shells_removed", "values=1,2", "time=5", "retrain=off", "floors=off")
    first, second = off.stages
    assert [t.variation.is_standard for t in first] == [True]
    assert {t.fit_key for t in second} == {first[0].key}


def test_shells_are_displaced_one_after_another(make_plan):
    planned = make_plan("shells_displaced", "values=1,1.5,2", "time=5", "amplitude=0.2")
    shells = [t.variation.perturbation for t in models(planned) if not t.variation.is_standard]
    assert [(s.inner, s.outer, s.amplitude) for s in shells if s.action != "none"] == [
        (0, 1, 0.2), (1, 1.5, 0.2), (1.5, 2, 0.2),
    ]  # fmt: skip


def test_five_seeds_run_along_the_times(make_plan):
    planned = make_plan("seeds", "floors=off")
    assert len(planned.plan.planned) == 10
    ((curve,),) = planned.panels.values()
    assert [point.x for point in curve.points] == [0.5, 5.0]


@pytest.mark.parametrize(
    ("name", "words", "model", "message"),
    [
        (
            "rounds",
            (),
            "neighbour_count_ridge",
            "no hyperparameter `recurrences`.*nt_gnn.* have it",
        ),
        ("p", (), "nt_gnn", "no hyperparameter `p`: on ka_propensity botan has it"),
        ("rounds", ("values=many",), "nt_gnn", "'many' is not a"),
        ("edge_threshold", ("values=1.0",), "botan", "would have no edge.*or model.p=1"),
        ("training_configurations", ("values=5",), "neighbour_count_ridge", "has 4 training"),
        ("training_configurations", ("values=0",), "neighbour_count_ridge", "is below 1"),
        ("transfer_temperature", (), "neighbour_count_ridge", "has one temperature to train at"),
        ("transfer_time", ("time=5",), "neighbour_count_ridge", "leave `time=` out"),
        ("transfer_time", ("values=4",), "neighbour_count_ridge", "no time 4: it has 0.5, 5"),
        ("shells_removed", ("values=3",), "neighbour_count_ridge", "half of the box edge 4.5"),
        ("shells_removed", ("values=2",), "botan", "retrain=off"),
        ("shells_removed", ("values=x",), "neighbour_count_ridge", "`x` in `values` is not a"),
        ("shells_displaced", ("values=2,1",), "neighbour_count_ridge", "from 2 to 1 is empty"),
        ("seeds", ("values=1,2",), "neighbour_count_ridge", "give `seed=0..4`"),
        ("seeds", ("amplitude=1",), "neighbour_count_ridge", "no key `amplitude`"),
    ],
)
def test_what_cannot_be_varied_is_refused_with_what_can(make_plan, name, words, model, message):
    with pytest.raises(UserError, match=message):
        make_plan(name, *words, model=model)


def test_surroundings_of_pairs_and_of_ranked_labels_are_refused(make_plan, small_datasets):
    with pytest.raises(StudyError, match="asks about pairs"):
        make_plan("shells_removed", model="pair_distance", task="ka_pair_distance")
    plane = small_datasets["lj2d_plasticity"]
    with pytest.raises(StudyError, match="C_rank of lj2d_plasticity is a property of all"):
        make_plan(
            "shells_removed",
            "values=2",
            model="coordination",
            task="lj2d_plasticity",
            dataset=plane,
        )


def test_a_value_that_stands_twice_is_refused():
    with pytest.raises(UserError, match="has 1 twice"):
        parse_study(find_study("rounds"), {"task": "t", "model": "m", "values": "1,1"}, AXES)


def test_a_study_of_a_task_is_declared_in_its_folder(tmp_path, monkeypatch):
    (tmp_path / "studies.toml").write_text(
        '[widths]\ntitle = "Widths"\nsource = "none"\nvaries = "hyperparameter"\n'
        'hyperparameter = "width"\nvalues = ["8", "16"]\n'
    )
    tasks = [SimpleNamespace(folder=tmp_path, error=None)]
    monkeypatch.setattr("glassbench.experiments.study.declaration.list_tasks", lambda: tasks)
    assert find_study("widths").values == ("8", "16")
    (tmp_path / "studies.toml").write_text('[widths]\ntitle = "Widths"\nvareis = "seeds"\n')
    with pytest.raises(StudyError, match="studies.toml .* `vareis`: did you mean `varies`"):
        find_study("widths")


def test_a_model_that_fits_all_conditions_at_once_is_a_floor_as_it_is_in_a_run(make_plan):
    planned = make_plan("seeds", "seed=0")
    floors = {s.model.name: s.model.conditions_per_fit for s in planned.plan.series if s.floor}
    from glassbench.plugins.registry import load_model_card

    assert floors == {name: load_model_card(name).conditions_per_fit for name in floors}
