"""The numbers and the figure of a study, against the trials' own results."""

from __future__ import annotations

import json

import numpy as np
import pytest

from glassbench.datasets.view import open_view
from glassbench.experiments.study.outcome import study_results
from glassbench.figures.scores import draw_study
from glassbench.metrics import interval_of_mean, pearson
from glassbench.trial.perturbation import draw_centres
from glassbench.trial.predictions import read_predictions
from glassbench.trial.run import run_trial

FLOOR = "number_of_neighbours"


def done(planned, workspace):
    """Run a study's trials here, the cheapest floor alone, and return its results."""
    results = {}
    for trials in planned.stages:
        for trial in trials:
            if not trial.floor or trial.model.name == FLOOR:
                results[trial.key] = run_trial(trial, workspace)
    return results, study_results(planned, results, {})


@pytest.fixture(scope="module")
def sizes(make_plan, workspace):
    planned = make_plan("training_configurations", "time=5", "seed=0,1", "values=1,4")
    return planned, *done(planned, workspace)


def test_a_point_is_the_mean_over_seeds_with_an_interval_over_configurations(sizes):
    planned, results, plain = sizes
    (panel,) = plain["panels"]
    point = panel["curves"][0]["points"][0]
    scored = [
        results[t.key].conditions[0]
        for t in planned.plan.trials
        if t.variation.training_configurations == 1
    ]
    values = [s.scores["pearson_a"].value for s in scored]
    assert point["value"] == pytest.approx(np.mean(values))
    assert (point["worst"], point["best"]) == (min(values), max(values))
    assert point["median"] == pytest.approx(np.median(values))
    table = np.array([s.scores["pearson_a"].by_configuration for s in scored])
    interval = interval_of_mean(table.mean(axis=0), scored[0].parents)
    assert point["interval"] == pytest.approx([float(interval.low), float(interval.high)])


def test_floors_and_ceilings_are_those_of_the_condition(sizes, tiny_dataset):
    planned, results, plain = sizes
    (panel,) = plain["panels"]
    assert [entry["x"] for entry in panel["ceilings"]["pearson_a"]] == [1.0, 4.0]
    view, (condition,) = open_view(planned.task, tiny_dataset), planned.plan.series[0].conditions
    halves = []
    for structure in view.structures("test", condition):
        first, second, _ = view.halves("propensity", condition, structure.configuration)
        of_a = structure.species == 0
        r = np.corrcoef(first[of_a], second[of_a])[0, 1]
        halves.append(np.sqrt(2 * r / (1 + r)))
    for entry in panel["ceilings"]["pearson_a"]:
        assert entry["value"] == pytest.approx(np.mean(halves))
    floors = {floor["model"]: floor["points"] for floor in panel["floors"]}
    (trial,) = [t for t in planned.plan.trials if t.model.name == FLOOR]
    expected = results[trial.key].conditions[0].scores["pearson_a"].value
    assert [point["value"] for point in floors[FLOOR]] == [expected, expected]
    assert [point["value"] for point in floors["local_energy"]] == [None, None]


def test_failed_trials_leave_their_point_without_a_value(sizes):
    planned, results, _ = sizes
    lost = {t.key for t in planned.plan.trials if t.variation.training_configurations == 1}
    kept = {key: result for key, result in results.items() if key not in lost}
    plain = study_results(planned, kept, dict.fromkeys(lost, "it broke"))
    first, second = plain["panels"][0]["curves"][0]["points"]
    assert (first["value"], first["seeds"]) == (None, [])
    assert second["value"] is not None
    assert sum(trial["error"] == "it broke" for trial in plain["trials"]) == len(lost)


def test_an_unperturbed_model_is_scored_on_the_same_particles(make_plan, workspace, tiny_dataset):
    planned = make_plan(
        "shells_displaced", "values=1.5", "time=5", "centres=20", "floors=off", "amplitude=0.01"
    )
    results, plain = done(planned, workspace)
    (standard,) = planned.stages[0]
    folder = workspace.trial_folder(standard.key)
    stored = read_predictions(folder / "predictions.npz")["temperature=0.64 time=5"]
    view = open_view(planned.task, tiny_dataset)
    values = []
    for example in view.examples("test", standard.conditions):
        name = example.structure.configuration
        centres = draw_centres(name, len(example.structure.positions), 20)
        centres = centres[example.structure.species[centres] == 0]
        values.append(
            pearson(stored[name]["propensity"][centres], example.targets["propensity"][centres])
        )
    curve = plain["panels"][0]["curves"][0]
    assert curve["unperturbed"]["value"] == pytest.approx(np.mean(values))
    assert results[standard.key].conditions[0].scores["pearson_a"].value != pytest.approx(
        curve["unperturbed"]["value"]
    )


def test_a_model_trained_elsewhere_has_a_curve_of_its_own(make_plan, two_temperatures, workspace):
    planned = make_plan("transfer_temperature", "time=5", dataset=two_temperatures)
    results, plain = done(planned, workspace)
    (panel,) = plain["panels"]
    assert [curve["label"] for curve in panel["curves"]] == [
        "neighbour_count_ridge, trained at T = 0.64", "neighbour_count_ridge, trained at T = 0.8",
    ]  # fmt: skip
    (planned_curves,) = planned.panels.values()
    for curve, drawn in zip(panel["curves"], planned_curves, strict=True):
        (trial,) = planned.plan.trials_of(planned.plan.series[drawn.points[0].series])
        scored = {c.condition["temperature"]: c.scores for c in results[trial.key].conditions}
        assert [point["x"] for point in curve["points"]] == [0.64, 0.8]
        for point in curve["points"]:
            assert point["value"] == pytest.approx(scored[point["x"]]["pearson_a"].value)
    own, carried = (curve["points"][0]["value"] for curve in panel["curves"])
    assert own != carried


def test_results_are_plain_and_figures_are_files_that_appear_whole(sizes, tmp_path):
    plain = sizes[-1]
    assert json.loads(json.dumps(plain)) == plain
    png, svg = draw_study(plain, tmp_path / "figure.png")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert "<svg" in svg.read_text()[:2000]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["figure.png", "figure.svg"]
