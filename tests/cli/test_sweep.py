"""`glassbench sweep`: words, the plan and its file, status; no trial is run here."""

import json
from pathlib import Path

import pytest

from glassbench.cli.sweep import score_table
from glassbench.experiments.sweep.plan import read_plan

WORDS = ("task=ka_propensity", "model=number_of_neighbours,neighbour_count_ridge", "seed=0..2")


@pytest.fixture
def planned(glassbench, tmp_path):
    path = tmp_path / "plan.json"
    answer = glassbench("sweep", *WORDS, f"plan={path}", "run=off")
    assert answer.code == 0, answer.err
    return path, answer


def test_a_plan_holds_all_conditions_of_the_task_and_runs_nothing(planned, glassbench, home):
    path, answer = planned
    plan = read_plan(path)
    (counts,) = {len(series.conditions) for series in plan.series}
    assert counts > 1 and all(s.variation.is_standard for s in plan.series)
    of_models = [trial for trial in plan.trials if not trial.floor]
    assert len(of_models) == 2 * 3 * counts
    floors = {"local_density", "local_energy", "number_of_neighbours"}
    assert {s.model.name for s in plan.series if s.floor} == floors
    assert str(len(plan.planned)) in answer.out and str(path) in answer.out
    assert not (home / "trials").exists()
    again = glassbench("sweep", f"plan={path}", "run=off", "--json")
    assert [entry["key"] for entry in json.loads(again.out)["order"]] == [
        planned.key for planned in plan.planned
    ]


def test_all_and_quick_stand_for_models_of_the_task(glassbench):
    def models(word):
        words = ("task=ka_propensity", f"model={word}", "time=16.5", "floors=off", "plan=on")
        plan = json.loads(glassbench("sweep", *words, "--json").out)["plan"]
        return [series.model.name for series in read_plan(Path(plan)).series]

    quick = models("quick")
    assert "averaged_ridge" in quick and "botan" not in quick
    everything = models("all")
    assert {"botan", "nt_gnn", *quick} <= set(everything)
    assert "rdf_mlp" not in everything
    both = models("quick,botan,averaged_ridge")
    assert sorted(both) == sorted({*quick, "botan"})


def test_plan_on_keeps_it_in_the_workspace(glassbench, home):
    answer = glassbench("sweep", *WORDS, "time=16.5", "plan=on", "floors=off", "--json")
    plain = json.loads(answer.out)
    assert plain["trials"] == 6 and plain["seconds_on_this_machine"] is None
    assert str(home / "sweeps") in plain["plan"]


def test_status_is_told_while_nothing_runs(planned, glassbench, home):
    path, _ = planned
    plan = read_plan(path)
    folder = home / "trials" / plan.planned[0].key[:2] / plan.planned[0].key
    folder.mkdir(parents=True)
    (folder / "failure.json").write_text('{"error": "it broke"}')
    done = home / "trials" / plan.planned[1].key[:2] / plan.planned[1].key
    done.mkdir(parents=True)
    (done / "result.json").write_text("{}")
    (done / "trial.json").write_text(json.dumps(plan.trial(plan.planned[1]).to_json()))
    (done / "cost.json").write_text('{"fit_seconds": 20, "predict_seconds": 10}')
    plain = json.loads(glassbench("sweep", "status", f"plan={path}", "--json").out)
    assert (plain["done"], plain["failed"]) == (1, 1)
    assert plain["waiting"] == len(plan.planned) - 2
    assert plain["seconds_left"] == pytest.approx(30 * (len(plan.planned) - 2))
    told = glassbench("sweep", "status", f"plan={path}").out
    assert "it broke" in told and "time left" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "`task=` is missing"),
        (("plan=/nowhere.json",), "there is no plan at /nowhere.json"),
        (("plan=/nowhere.json", "seed=1"), "there is no key `seed`"),
        ((*WORDS, "retries=many"), "`many` in `retries` is not a whole number"),
        ((*WORDS, "workers=2"), "trains in one process"),
        ((*WORDS, "force=on"), "never forgets what is finished"),
        (("task=ka_propensity", "model=botann"), "did you mean `botan`"),
        (("status",), "`plan=FILE` is missing"),
    ],
)
def test_wrong_words_are_refused_by_name(glassbench, words, told):
    answer = glassbench("sweep", *words)
    assert answer.code == 2 and told in answer.err


def test_scores_stand_by_model_and_condition():
    cell = {"value": 0.5, "interval": [0.4, 0.6]}
    summary = {
        "conditions": [{"temperature": 0.64, "time": 0.5}, {"temperature": 0.64, "time": 5.0}],
        "rows": [
            {"name": "near", "floor": False, "scores": [cell, None]},
            {"name": "far", "floor": True, "scores": [{"value": None, "interval": None}, cell]},
        ],
        "ceiling": [0.9, None],
    }
    title, near, far, ceiling = score_table(summary, 120)
    assert title.split() == ["model", "time=0.5", "time=5"]
    assert near.split() == ["near", "0.500", "[0.400,", "0.600]", "-"]
    assert "far (floor)" in far and "undefined" in far
    assert ceiling.split() == ["ceiling", "0.900", "-"]
