"""Words become a study, a study becomes a table, and its best file becomes a run."""

import json
from pathlib import Path

import pytest

from glassbench.cluster.tuning.run import StudyReport
from glassbench.experiments.tuning.configuration import write_configuration
from glassbench.experiments.tuning.study import TuningTrial
from glassbench.home.workspace import Workspace
from glassbench.record.record import Tuning
from glassbench.tracking.delivery import Delivered

from ..climber import write_climber

COST = {"wall_seconds": 2.0, "cpu_seconds": 3.0, "gpu_seconds": 0.0}
TRACKING = Delivered("sqlite:///x.db", "77", True)
TUNING = {
    "study": "a" * 64, "trials": 3, "finished": 2, "stopped": 1, "failed": 0, "search": "random",
    "scheduler": "asha", "metric": "pearson_a", "validation_score": 0.6, "seed": 0,
    "conditions": [{"temperature": 0.64, "time": 0.5}], **COST, "dataset_digest": "sha256:x",
    "model_digest": "b" * 64,
}  # fmt: skip


@pytest.fixture
def climber(tmp_path):
    return write_climber(tmp_path / "climber")


@pytest.fixture
def tuned(monkeypatch):
    """The studies that were handed to the cluster, each with what it was handed with."""
    given = []

    def run_study(study, workspace, on_event, **options):
        given.append((study, options))
        trials = [
            TuningTrial(k, dict(study.hyperparameters) | {"quality": q}, state, {1: 0.1}, score,
                        cost=COST)
            for k, (q, state, score) in enumerate(
                [(0.5, "finished", 0.5), (0.9, "finished", 0.6), (0.1, "stopped", 0.7)]
            )
        ]  # fmt: skip
        folder = study.folder(workspace)
        return StudyReport(study, trials, folder, folder / "best.toml", None, TRACKING)

    monkeypatch.setattr("glassbench.cluster.tuning.run.run_study", run_study)
    return given


def words(model, dataset, *more):
    return ["task=ka_propensity", f"model={model}", f"dataset={dataset}", *more]


def test_the_words_become_the_study(glassbench, tuned, climber, tiny_dataset):
    answer = glassbench(
        "tune", *words(climber, tiny_dataset, "time=0.5", "trials=7", "scheduler=none", "seed=3"),
        "model.epochs=2", "metric=pearson_b", "cluster=none", "threads=2",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    ((study, options),) = tuned
    assert (study.trials, study.seed, study.scheduler, study.search) == (7, 3, "none", "random")
    assert study.metric == "pearson_b" and not study.on_primary
    assert study.hyperparameters["epochs"] == 2 and study.most_epochs == 2
    assert [dict(c) for c in study.conditions] == [{"temperature": 0.64, "time": 0.5}]
    assert [d.name for d in study.space] == ["quality"]
    assert options["cluster"] == "none" and options["threads"] == 2 and options["workers"] == 1
    assert "pearson_b on validation" in answer.err and "test split stays closed" in answer.err


def test_people_see_what_was_tried_the_best_first_and_what_to_do_next(
    glassbench, tuned, climber, tiny_dataset
):
    answer = glassbench("tune", *words(climber, tiny_dataset))
    first, second, third = answer.out.splitlines()[1:4]
    assert first.split()[:3] == ["1", "1", "0.6000"] and second.split()[1] == "0"
    assert "stopped early" in third
    assert "glassbench run config=" in answer.out and "3 trials" in answer.out
    assert "the mean over 2 conditions" in answer.err


def test_json_is_one_document(glassbench, tuned, climber, tiny_dataset):
    answer = glassbench("tune", *words(climber, tiny_dataset), "--json")
    plain = json.loads(answer.out)
    assert plain["best"] == 1 and plain["best_path"].endswith("best.toml")
    assert [t["trial"] for t in plain["trials"]] == [1, 0, 2]
    assert answer.err == ""


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["schedular=asha"], "did you mean `scheduler`"),
        (["scheduler=hyperband"], "`scheduler=hyperband`"),
        (["search=grid"], "`search=grid`"),
        (["metric=pearsn_b"], "did you mean `pearson_b`"),
        (["seed=0,1"], "a study has one"),
        (["trials=0"], "below 1"),
        (["model.quality=0.5"], "you fixed all of it"),
        (["model.qualty=0.5"], "did you mean `quality`"),
        (["time=7"], "it has 0.5, 5"),
    ],
)
def test_wrong_words_are_named(glassbench, tuned, climber, tiny_dataset, more, message):
    answer = glassbench("tune", *words(climber, tiny_dataset, *more))
    assert answer.code == 2 and message in answer.err and not tuned


def test_a_model_without_a_space_is_told_what_it_lacks(glassbench, climber, tiny_dataset):
    card = climber / "model.toml"
    card.write_text(card.read_text().partition("[search_space")[0])
    answer = glassbench("tune", *words(climber, tiny_dataset))
    assert answer.code == 2 and "has no [search_space.<hyperparameter>]" in answer.err


@pytest.fixture
def asked(monkeypatch, make_record, home):
    """The requests that `glassbench run` hands on."""
    requests = []

    class Report:
        record, outcomes, floors, figures = make_record(), [], [], []
        record_path, tracking = Path("record.json"), TRACKING

    def run_to_record(request, workspace, execute, on_event):
        requests.append(request)
        return Report

    place = "glassbench.experiments.conclude"
    monkeypatch.setattr(f"{place}.run_to_record", run_to_record)
    monkeypatch.setattr(f"{place}.hand_over", lambda reports, workspace: reports)
    return requests


def best_file(folder, model, **changes):
    content = {"task": "ka_propensity", "model": str(model), "tuning": TUNING}
    values = {"quality": 0.9, "epochs": 7, "seconds": 0.0, "wish": ""}
    return write_configuration(
        folder / "best.toml", content | {"hyperparameters": values} | changes, "x"
    )


def test_a_run_takes_task_model_and_hyperparameters_from_the_file(
    glassbench, asked, climber, tiny_dataset, tmp_path
):
    path = best_file(tmp_path, climber)
    more = [f"dataset={tiny_dataset}", "floors=off", "time=5"]
    assert glassbench("run", f"config={path}", *more).code == 0
    assert glassbench("run", f"config={path}", "epochs=3", *more).code == 0
    first, second = asked
    assert first.hyperparameters == {"quality": 0.9, "epochs": 7, "seconds": 0.0, "wish": ""}
    assert first.tuning.to_json() == TUNING | {"changed": []}
    assert second.hyperparameters["epochs"] == 3
    assert second.tuning.changed == ["epochs"]
    assert first.digest != second.digest


def test_a_file_for_another_task_or_model_is_refused_by_name(
    glassbench, asked, climber, tiny_dataset, tmp_path
):
    path = best_file(tmp_path, "climber")
    other = glassbench("run", f"config={path}", "model=botan", f"dataset={tiny_dataset}")
    assert other.code == 2 and "`model=botan` contradicts" in other.err
    assert "which is for climber" in other.err
    other = glassbench("run", f"config={path}", "task=cuzr_stiffness")
    assert other.code == 2 and "which is for ka_propensity" in other.err
    assert glassbench("run", f"config={tmp_path / 'none.toml'}").code == 2
    same = glassbench(
        "run", f"config={path}", f"model={climber}", f"dataset={tiny_dataset}", "floors=off"
    )
    assert same.code == 0 and len(asked) == 1


def test_the_table_of_runs_and_that_of_a_run_say_how_much_tuning_there_was(
    glassbench, home, make_record
):
    from glassbench.cli.tables import summary_lines

    record = make_record() | {"tuning": TUNING | {"changed": []}}
    shown = summary_lines(record | {"tuning": Tuning(**record["tuning"])})
    assert any("3 trials (2 finished, 1 stopped early)" in line for line in shown)
    records = Workspace(home).records
    records.mkdir(parents=True)
    (records / "a.json").write_text(json.dumps(record))
    (records / "b.json").write_text(json.dumps(make_record()))
    lines = glassbench("runs").out.splitlines()
    assert "tuning" in lines[3] or "tuning" in lines[2]
    assert any("3 trials" in line for line in lines)
    (records / "a.json").unlink()
    assert "tuning" not in glassbench("runs").out
