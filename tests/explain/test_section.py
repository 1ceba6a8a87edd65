"""Explanations of a real small run: parts against direct evaluations of predictions and labels."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from glassbench.contract.errors import UserError
from glassbench.contract.model_card import read_model_card
from glassbench.contract.task import read_task
from glassbench.contract.trial_plan import DatasetReference, plan_trials
from glassbench.datasets.view import open_view
from glassbench.explain.prediction_errors import extreme_particles, parity
from glassbench.explain.schema import LearningCurve, write_explanation
from glassbench.explain.section import colour_limits, explain_record
from glassbench.home.cache import current_cache
from glassbench.home.workspace import Workspace, content_folder
from glassbench.model import Condition
from glassbench.pages import build_site, read_sources
from glassbench.record.make import make_record
from glassbench.record.record import write_record
from glassbench.trial.predictions import read_predictions
from glassbench.trial.run import run_trial

CONDITIONS = [Condition.of(temperature=0.64, time=time) for time in (0.5, 5.0)]


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_dataset):
    """A finished run of a baseline on the small dataset: workspace, record, view."""
    workspace = Workspace(tmp_path_factory.mktemp("home"))
    task = read_task(content_folder("tasks") / "ka_propensity")
    card = read_model_card(content_folder("baselines") / "number_of_neighbours")
    view = open_view(task, tiny_dataset)
    dataset = DatasetReference("tiny", str(tiny_dataset), view.digest)
    trials = plan_trials(card, task, dataset, CONDITIONS, (), card.hyperparameters, (0,))
    record = make_record(
        task=task,
        dataset=dataset,
        model=card,
        conditions=CONDITIONS,
        hyperparameters=card.hyperparameters,
        seeds=(0,),
        results=[run_trial(trial, workspace) for trial in trials],
        floors={},
        known={},
    ).to_json()
    return workspace, record, view


@pytest.fixture(scope="module")
def explanation(run):
    workspace, record, _ = run
    return explain_record(record, workspace, curve=True, transfer=True)


def arrays(run, index: int):
    """Return (configurations of) prediction and target at a condition."""
    workspace, record, view = run
    entry = record["predictions"][index]
    condition = Condition.of(**entry["condition"])
    predictions = read_predictions(workspace.home / entry["path"])[condition.name]
    examples = list(view.examples("test", (condition,)))
    return [
        (e.structure, predictions[e.structure.configuration]["propensity"], e.targets["propensity"])
        for e in examples
    ]


def test_errors_by_species_are_means_over_all_particles(run, explanation):
    for index, entry in enumerate(explanation["conditions"]):
        found = {group["label"]: group for group in entry["errors"][0]["groups"]}
        for species, label in enumerate("AB"):
            x, y = (
                np.concatenate([each[k][each[0].species == species] for each in arrays(run, index)])
                for k in (1, 2)
            )
            assert found[label]["particles"] == len(x)
            error = np.abs(x - y).mean()
            assert found[label]["mean_absolute_error"] == pytest.approx(error, rel=1e-3)
            assert found[label]["bias"] == pytest.approx((x - y).mean(), rel=1e-2, abs=1e-4)


def test_groups_hold_every_particle_that_counts_once(run, explanation):
    counted = sum((s.species == 0).sum() for s, _, _ in arrays(run, 0))
    for table in explanation["conditions"][0]["errors"][1:]:
        assert sum(group["particles"] for group in table["groups"]) == counted


def test_worst_configurations_come_from_the_record_from_the_worst_on(run, explanation):
    _, record, _ = run
    entry = record["conditions"][1]
    scores = entry["scores"]["pearson_a"]["seeds"][0]["by_configuration"]
    values = dict(zip(entry["configurations"], scores))
    worst = explanation["conditions"][1]["worst"]
    assert [w["configuration"] for w in worst] == sorted(values, key=values.get)
    assert [w["value"] for w in worst] == sorted(values.values())


def test_parity_counts_particles_in_squares():
    truth = np.array([0.0, 0.0, 1.0, 1.0])
    counts = parity(truth, truth)
    assert (counts["low"], counts["high"]) == (0.0, 1.0)
    last = counts["bins"] - 1
    assert counts["counts"] == [[0, 0, 2], [last, last, 2]]
    assert parity(np.ones(5), np.ones(5)) is None


def test_maps_unpack_to_positions_and_values(run, explanation):
    structure, prediction, target = arrays(run, 0)[0]
    drawn = explanation["maps"][0]
    packed = explanation["structures"][drawn["structure"]]
    steps = np.frombuffer(base64.b64decode(packed["positions"]), "<u2").reshape(-1, 3)
    wrapped = structure.positions % structure.box
    assert steps / 65536 * packed["box"] == pytest.approx(wrapped, abs=2e-4)
    low, high = drawn["limits"]
    for name, values in (("target", target), ("prediction", prediction)):
        shares = np.frombuffer(base64.b64decode(drawn[name]), np.uint8) / 255
        expected = np.clip((values - low) / (high - low), 0, 1)
        assert shares == pytest.approx(expected, abs=5e-3)
    both = np.append(target, prediction)
    assert drawn["cut"] == [both.min() < low, both.max() > high] == [True, True]
    assert packed["species_names"] == ["A", "B"]


def test_the_extremes_have_the_mean_distribution_around_their_tenth(run, explanation):
    drawn = explanation["extremes"][-1]
    assert [(c["end"], c["by"]) for c in drawn["curves"]] == [
        ("highest", "true"), ("highest", "predicted"), ("lowest", "true"), ("lowest", "predicted")
    ]  # fmt: skip
    around = {curve["end"]: [] for curve in drawn["curves"]}
    for structure, _, target in arrays(run, -1):
        apart = structure.positions[:, None] - structure.positions
        apart = np.linalg.norm(apart - structure.box * np.rint(apart / structure.box), axis=-1)
        own = np.flatnonzero(structure.species == 0)
        ranked = own[np.argsort(target[own])]
        tenth = round(len(own) / 10)
        spacing = (structure.box.prod() / len(apart)) ** (1 / 3)
        edges = spacing * (0.5 + 0.05 * np.arange(len(drawn["distances"]) + 1))
        middles, width = (edges[1:] + edges[:-1]) / 2, 0.05 * spacing
        assert drawn["distances"] == pytest.approx(middles, rel=1e-3)
        shell = 4 * np.pi * middles**2 * width * len(apart) / structure.box.prod()
        for end, chosen in (("highest", ranked[-tenth:]), ("lowest", ranked[:tenth])):
            counts = [np.histogram(np.delete(apart[one], one), edges)[0] for one in chosen]
            around[end] += [count / shell for count in counts]
    for curve in drawn["curves"]:
        if curve["by"] == "true":
            expected = np.mean(around[curve["end"]], axis=0)
            assert curve["values"] == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_equal_values_are_taken_in_the_order_of_the_particles():
    values = np.array([2.0, 1.0, 2.0, 1.0, 2.0])
    assert extreme_particles(values, "highest", 0.4).tolist() == [0, 2]
    assert extreme_particles(values, "lowest", 0.4).tolist() == [1, 3]
    assert extreme_particles(values, "lowest", 0.01).tolist() == [1]


def test_the_learning_curve_ends_at_the_score_of_the_record(run, explanation):
    _, record, _ = run
    for curve, entry in zip(explanation["learning_curve"], record["conditions"], strict=True):
        numbers = [point["configurations"] for point in curve["points"]]
        assert numbers == [1, 2, 4]
        last = curve["points"][-1]
        score = entry["scores"]["pearson_a"]
        assert last["value"] == pytest.approx(score["value"], abs=1e-6)
        # The small dataset has too few test samples for an interval.
        assert len(set(entry["parents"])) < 5 and last["interval"] is None


def test_refits_read_what_the_run_computed_from_the_structures(run, monkeypatch):
    workspace, record, _ = run
    folders = []

    def curve(explained, fit, report):
        folders.append(current_cache().folder)
        return LearningCurve(condition=dict(fit.condition), points=[])

    monkeypatch.setattr("glassbench.explain.section.learning_curve", curve)
    explain_record(record, workspace, curve=True)
    assert folders == [workspace.cache] * len(CONDITIONS)
    assert current_cache() is None


def test_transfer_to_its_own_condition_is_the_score_of_the_record(run, explanation):
    _, record, _ = run
    pairs = explanation["transfer"]
    assert len(pairs) == len(CONDITIONS) ** 2
    for entry in record["conditions"]:
        (own,) = [p for p in pairs if p["trained_on"] == p["tested_on"] == entry["condition"]]
        assert own["value"] == pytest.approx(entry["scores"]["pearson_a"]["value"], abs=1e-6)


def test_an_explanation_shows_on_the_page_of_its_record(run, explanation, tmp_path):
    _, record, _ = run
    write_record(tmp_path / "records" / "one.json", record)
    write_explanation(tmp_path / "explain" / "one.json", explanation)
    sources = read_sources(tmp_path / "records")
    assert not [p for p in sources.problems if "one.json" in p]
    build_site(sources, tmp_path / "site")
    page = (tmp_path / "site" / "record" / "one.html").read_text(encoding="utf-8")
    assert "Would more data help?" in page and 'id="slice"' in page and 'id="extremes"' in page
    assert (tmp_path / "site" / "data" / "explain" / "one.js").is_file()


def test_altered_predictions_are_refused(run):
    workspace, record, _ = run
    altered = json.loads(json.dumps(record))
    altered["predictions"][0]["sha256"] = "0" * 64
    with pytest.raises(UserError, match="run the request again"):
        explain_record(altered, workspace)
    altered["predictions"][0]["path"] = "../outside.npz"
    with pytest.raises(UserError, match="home="):
        explain_record(altered, workspace)


def test_a_workspace_without_the_predictions_says_where_to_explain(run, tmp_path: Path):
    _, record, _ = run
    with pytest.raises(UserError, match="home="):
        explain_record(record, Workspace(tmp_path))


def test_the_colours_of_rare_labels_span_both():
    values = np.random.default_rng(0).normal(size=1000)
    low, high = colour_limits(values)
    assert values.min() < low < high < values.max()
    assert colour_limits(np.where(np.arange(1000) < 5, 1.0, 0.0)) == (0.0, 1.0)
    assert colour_limits(np.zeros(1000)) == (0.0, 1.0)
