"""A model of several temperatures, asked at one where nothing is trained."""

import pytest

from glassbench.cluster.execute import execute
from glassbench.contract.errors import WordError
from glassbench.datasets.view import open_view
from glassbench.experiments.conclude import run_benchmark
from glassbench.experiments.request import make_requests, task_of
from glassbench.experiments.trained import load_model
from glassbench.experiments.words import parse_run, split_words
from glassbench.home.workspace import open_workspace
from glassbench.model import Condition

SMALL = [
    f"model.{name}={value}"
    for name, value in {
        "width": 8, "recurrences": 1, "pretrained": "none", "epochs": 2, "precision": "float32",
    }.items()
]  # fmt: skip


def requests_of(dataset, workspace, *words):
    words = ["task=ka_propensity", f"dataset={dataset}", "cluster=none", *words]
    task = task_of(split_words(words))
    return make_requests(task, parse_run(split_words(words), ["temperature", "time"]), workspace)


def temperatures(request):
    return {condition["temperature"] for condition in request.conditions}


def test_it_is_trained_at_the_others_and_scored_there(
    one_never_trained, tmp_path, without_tracking
):
    workspace = open_workspace(tmp_path)
    (request,) = requests_of(one_never_trained, workspace, "model=t_botan", "time=5", *SMALL)
    assert temperatures(request) == {0.56, 0.6, 0.64} and not request.floors
    report = run_benchmark(request, workspace, execute)
    assert [outcome.error for outcome in report.outcomes] == [None]
    entries = report.record.to_json()["conditions"]
    scored = {entry["condition"]["temperature"]: entry for entry in entries}
    assert set(scored) == {0.56, 0.6, 0.64}
    assert all(-1 <= c["scores"]["pearson_a"]["value"] <= 1 for c in scored.values())

    # The trained model predicts there too.
    model = load_model(report.record_path, workspace)
    assert model.training.state(Condition.of(temperature=0.6, time=5.0)) is None
    view = open_view(request.task, one_never_trained)
    structures = view.structures("test", Condition.of(temperature=0.6, time=5.0))
    columns = model.predict(structures, Condition.of(temperature=0.6, time=5.0))
    assert len(columns) == len(structures)


def test_one_that_fits_each_condition_is_asked_where_it_is_trained(one_never_trained, tmp_path):
    (request,) = requests_of(
        one_never_trained, open_workspace(tmp_path), "model=neighbour_count_ridge"
    )
    assert temperatures(request) == {0.56, 0.64} and request.floors
    with pytest.raises(WordError, match="training split has no temperature 0.6"):
        requests_of(
            one_never_trained,
            open_workspace(tmp_path),
            "model=neighbour_count_ridge",
            "temperature=0.6",
        )


def test_nothing_to_train_on_is_said_before_anything_runs(one_never_trained, tmp_path):
    with pytest.raises(WordError, match="nothing at temperature=0.6.*temperature=all"):
        requests_of(one_never_trained, open_workspace(tmp_path), "model=t_botan", "temperature=0.6")
