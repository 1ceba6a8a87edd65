from __future__ import annotations

import json

from glassbench.contract.trial_plan import DatasetReference, ModelReference, Trial
from glassbench.home.files import write_json
from glassbench.home.workspace import Workspace


def _store(home, name: str, record: dict) -> None:
    write_json(Workspace(home).records / f"{name}.json", record)


def test_runs_are_listed_with_their_scores(glassbench, home, make_record):
    _store(home, "a", make_record())
    answer = glassbench("runs")
    assert answer.code == 0
    assert "0.500 [0.450, 0.550]" in answer.out
    assert "2026-01-02 03:04" in answer.out
    assert str(Workspace(home).records) in answer.out


def test_runs_are_chosen_by_words(glassbench, home, make_record):
    _store(home, "a", make_record(model="botan"))
    _store(home, "b", make_record(model="ridge"))
    listed = json.loads(glassbench("runs", "model=ridge", "--json").out)["runs"]
    assert [run["record"]["model"]["name"] for run in listed] == ["ridge"]
    assert len(json.loads(glassbench("runs", "task=ka_propensity", "--json").out)["runs"]) == 2


def test_an_unreadable_record_hides_no_other(glassbench, home, make_record):
    _store(home, "a", make_record())
    (Workspace(home).records / "torn.json").write_text('{"schema_version": 1, "sta')
    (Workspace(home).records / "other.json").write_text("[]")
    answer = glassbench("runs")
    assert "botan" in answer.out
    assert "unreadable record" in answer.err
    assert "torn.json" in answer.err
    assert "other.json" in answer.err


def test_a_trial_that_has_no_result_is_told(glassbench, home):
    trial = Trial(
        task="ka_propensity",
        task_folder="",
        protocol_version=1,
        dataset=DatasetReference("mini", "", ""),
        model=ModelReference("botan", "", ""),
        conditions=(),
        hyperparameters={},
        seed=3,
    )
    folder = Workspace(home).trial_folder(trial.key)
    write_json(folder / "trial.json", trial.to_json())
    answer = glassbench("runs")
    assert "1 trials are not finished" in answer.err
    assert "botan all conditions seed=3" in answer.err
    (folder / "result.json").touch()
    assert "not finished" not in glassbench("runs").err
