"""Records: the schema, what a record says of scores, and its digest."""

import copy
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from pydantic import BaseModel

from glassbench.cli.tables import above_floor
from glassbench.contract.model_card import parse_model_card
from glassbench.contract.task import parse_task
from glassbench.contract.trial_plan import DatasetReference
from glassbench.home.workspace import content_folder
from glassbench.metrics import MetricSpecification, interval_of_mean, paired_difference
from glassbench.model import Condition
from glassbench.record.make import KnownAt, make_record
from glassbench.record.record import (
    Record,
    RecordError,
    read_record,
    record_digest,
    record_stem,
    validate_record,
    write_record,
)
from glassbench.trial.result import ConditionScores, Score, TrialResult

EARLY, LATE = Condition.of(temperature=0.64, time=0.5), Condition.of(temperature=0.64, time=5.0)
NAMES, PARENTS = ("c1", "c2", "c3", "c4"), ("p1", "p1", "p2", "p3")

TASK = parse_task(
    {
        "name": "ka_propensity", "title": "t", "summary": "s", "protocol_version": 2,
        "target": "propensity", "symmetry": "cubic", "floors": [], "citation": "c",
        "axes": [{"name": "temperature", "symbol": "T", "unit": ""},
                 {"name": "time", "symbol": "t", "unit": "tau"}],
        "targets": {"propensity": {"per": "particle", "unit": "sigma_AA"}},
        "metrics": [
            {"name": "pearson_a", "function": "pearson", "target": "propensity", "primary": True},
            {"name": "pooled", "function": "pearson", "target": "propensity",
             "average": "pooled"},
        ],
        "datasets": {"mini": {}}, "default_dataset": "mini",
    },
    Path("nowhere"),
)  # fmt: skip
CARD = parse_model_card(
    {
        "name": "botan", "title": "BOTAN", "authors": ["A"], "year": 2023, "licence": "MIT",
        "entry": "model:Botan", "reads": ["thermal"], "tasks": ["ka_propensity"],
        "conditions_per_fit": "one",
    },
    Path("nowhere"),
)  # fmt: skip


def result(values, seed=0, condition=EARLY, names=NAMES, parents=PARENTS, pooled=0.5, **fields):
    """Return a finished trial with these values of `pearson_a` by configuration."""
    mean = None if None in values else float(np.mean(values))
    scores = ConditionScores(
        condition=dict(condition),
        configurations=tuple(names),
        parents=tuple(parents),
        scores={
            "pearson_a": Score(mean, tuple(values)),
            "pooled": Score(pooled, tuple(values)),
        },
    )
    cost = {"wall_seconds": 1.0, "cpu_seconds": 2.0, "gpu_seconds": 0.0, "peak_memory_bytes": seed}
    defaults = {
        "key": f"{seed}" * 64,
        "trial": {"seed": seed},
        "conditions": (scores,),
        "history": (),
        "cost": cost,
        "predictions": {"path": "predictions.npz", "sha256": "a" * 64},
    }
    return TrialResult(**(defaults | fields))


def record_of(results, floors=None, conditions=(EARLY,), seeds=(0,), **fields):
    defaults = {
        "task": TASK,
        "dataset": DatasetReference("mini", "/home/somebody/mini", "d" * 64),
        "model": CARD,
        "conditions": conditions,
        "hyperparameters": {"width": 64},
        "seeds": seeds,
        "results": results,
        "floors": floors or {},
        "known": {
            EARLY.name: KnownAt({"pearson_a": Score(0.9, (0.9, 0.9, 0.9, 0.9))}, tau_alpha=16.5)
        },
    }
    return make_record(**(defaults | fields)).to_json()


GOOD, BETTER = (0.5, 0.6, 0.7, 0.9), (0.7, 0.6, 0.9, 0.9)


def test_seeds_are_averaged_by_configuration_before_the_parents_are_resampled():
    record = record_of([result(BETTER, seed=1), result(GOOD, seed=0)], seeds=(0, 1))
    score = record["conditions"][0]["scores"]["pearson_a"]
    assert [seed["seed"] for seed in score["seeds"]] == [0, 1]
    averaged = (np.array(GOOD) + BETTER) / 2
    expected = interval_of_mean(averaged, PARENTS)
    assert score["value"] == pytest.approx(averaged.mean())
    assert score["interval"] == pytest.approx([expected.low, expected.high])
    assert record["cost"] == {
        "wall_seconds": 2.0, "cpu_seconds": 4.0, "gpu_seconds": 0.0, "peak_memory_bytes": 1,
    }  # fmt: skip


def test_an_aggregate_that_is_no_mean_brings_its_own_interval():
    def pooled(ends, seed):
        one = result(GOOD, seed=seed)
        own = replace(one.conditions[0].scores["pooled"], interval=ends)
        scores = {**one.conditions[0].scores, "pooled": own}
        return replace(one, conditions=(replace(one.conditions[0], scores=scores),))

    both = [pooled((0.2, 0.6), 0), pooled((0.4, 0.7), 1)]
    entry = record_of(both, seeds=(0, 1))["conditions"][0]
    assert entry["scores"]["pooled"]["interval"] == pytest.approx([0.3, 0.65])
    one_lacks = [pooled((0.2, 0.6), 0), pooled(None, 1)]
    entry = record_of(one_lacks, seeds=(0, 1))["conditions"][0]
    assert entry["scores"]["pooled"]["interval"] is None


def test_the_best_floor_is_subtracted_pairwise():
    low, high = (0.1, 0.1, 0.2, 0.2), (0.3, 0.5, 0.4, 0.6)
    record = record_of([result(GOOD)], {"low": [result(low)], "high": [result(high)]})
    entry = record["conditions"][0]
    assert [floor["model"] for floor in entry["floors"]] == ["low", "high"]
    expected = paired_difference(np.array(GOOD), np.array(high), PARENTS).difference
    assert entry["above_floor"]["floor"] == "high"
    assert entry["above_floor"]["difference"] == pytest.approx(expected.mean)
    assert entry["above_floor"]["interval"] == pytest.approx([expected.low, expected.high])


def test_where_lower_is_better_the_lowest_floor_is_the_best_and_its_distance_counts_down():
    """By the mean absolute error, under the name that the results of these tests have."""
    metric = MetricSpecification.from_table(
        {"name": "pearson_a", "function": "mae", "target": "propensity", "primary": True}
    )
    task = TASK.model_copy(update={"metrics": (metric,)})
    floors = {"high": [result(BETTER)], "low": [result(GOOD)]}
    quarter = tuple(value / 4 for value in GOOD)
    entry = record_of([result(quarter)], floors, task=task)["conditions"][0]
    assert entry["above_floor"]["floor"] == "low"
    assert entry["above_floor"]["difference"] == pytest.approx(0.75 * np.mean(GOOD))
    low, high = entry["above_floor"]["interval"]
    assert 0 < low <= entry["above_floor"]["difference"] <= high
    assert above_floor(entry) == "3 samples"
    assert above_floor({**entry, "parents": list("abcde")}) == "yes"


def test_configurations_are_joined_by_name():
    backwards = result(GOOD[::-1], seed=1, names=NAMES[::-1], parents=PARENTS[::-1])
    record = record_of([result(GOOD), backwards], seeds=(0, 1))
    first, second = record["conditions"][0]["scores"]["pearson_a"]["seeds"]
    assert first["by_configuration"] == second["by_configuration"] == list(GOOD)
    with pytest.raises(RecordError, match="other configurations.*'c4'"):
        record_of([result(GOOD), result(GOOD, seed=1, names=("c1", "c2", "c3", "x"))])


def test_what_is_undefined_is_null_and_never_a_number():
    record = record_of(
        [result((0.5, None, 0.7, 0.9)), result(GOOD, condition=LATE, parents=("p",) * 4)],
        {"floor": [result(GOOD)]},
        conditions=(EARLY, LATE),
    )
    early, late = record["conditions"]
    assert early["scores"]["pearson_a"]["value"] is None
    assert early["scores"]["pearson_a"]["interval"] is None
    assert early["above_floor"] is None
    assert late["scores"]["pearson_a"]["interval"] is None, "one parent has no interval"
    assert late["ceiling"] == {"pearson_a": None, "pooled": None}
    assert late["tau_alpha"] is None
    assert early["scores"]["pooled"] == {
        "value": 0.5, "interval": None,
        "seeds": [{"seed": 0, "value": 0.5, "by_configuration": [0.5, None, 0.7, 0.9]}],
    }  # fmt: skip
    assert "NaN" not in json.dumps(record)


def test_a_condition_where_every_seed_failed_is_left_out_and_listed():
    failed = [{"condition": dict(LATE), "seed": 0, "error": "ValueError: the loss is infinite"}]
    record = record_of([result(GOOD)], conditions=(EARLY, LATE), failed=failed)
    assert [entry["condition"] for entry in record["conditions"]] == [dict(EARLY)]
    assert record["failed"] == failed
    with pytest.raises(RecordError, match="nothing to record"):
        record_of([])


def test_a_varied_trial_stands_in_no_record():
    varied = {"seed": 0, "variation": {"training_configurations": 2}}
    with pytest.raises(RecordError, match="departs from the standard use of the dataset"):
        record_of([result((0.1, 0.2, 0.3, 0.4), trial=varied)])


def test_the_digest_counts_scores_and_not_when_or_where():
    record = record_of([result(GOOD)])
    digest = record_digest(record)
    later = record | {
        "created": "2030-01-01T00:00:00Z",
        "tracking": {"uri": "sqlite:///mlflow.db", "run_id": "1"},
        "cost": record["cost"] | {"wall_seconds": 9.0},
    }
    assert record_digest(later) == digest
    assert record_digest(dict(reversed(record.items()))) == digest
    changed = copy.deepcopy(record)
    changed["conditions"][0]["scores"]["pearson_a"]["value"] += 1e-9
    assert record_digest(changed) != digest


def test_records_survive_the_file_and_name_no_folder(tmp_path):
    record = record_of([result(GOOD)])
    path = write_record(tmp_path / "records" / "a.json", record)
    read = read_record(path)
    assert read.to_json() == record
    assert read.conditions[0].scores["pearson_a"].seeds[0].value == pytest.approx(0.675)
    assert "somebody" not in path.read_text()
    assert [p.name for p in path.parent.iterdir()] == ["a.json"]
    assert record_stem("ka", "my data/x", "botan", "0123456789") == "ka-my_data_x-botan-01234567"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda r: r["conditions"][0]["scores"]["pooled"].update(value="0.5"), "pooled/value"),
        (lambda r: r.update(extra=1), "extra"),
        (lambda r: r.pop("cost"), "cost"),
        (lambda r: r["conditions"][0]["scores"]["pearson_a"].update(interval=[0.1]), "interval"),
        (lambda r: r["model"].update(digest="short"), "model/digest"),
        (lambda r: r.update(status="reported"), "status"),
        (lambda r: r.update(schema_version=2), "schema_version 2"),
    ],
)
def test_a_record_that_breaks_the_schema_is_refused_by_place(change, place, tmp_path):
    record = record_of([result(GOOD)])
    change(record)
    with pytest.raises(RecordError, match=place):
        validate_record(record)
    with pytest.raises(RecordError):
        write_record(tmp_path / "a.json", record)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "\xff"])
def test_a_file_that_is_no_record_is_named(text, tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(RecordError, match=r"a\.json|schema_version"):
        read_record(path)
    with pytest.raises(RecordError, match="no record at"):
        read_record(tmp_path / "b.json")


def models_of(model) -> set:
    """Return a model of the record and all that it is made of."""
    inner = {
        argument
        for field in model.model_fields.values()
        for argument in _arguments(field.annotation)
        if isinstance(argument, type) and issubclass(argument, BaseModel)
    }
    return {model}.union(*(models_of(each) for each in inner))


def _arguments(annotation) -> list:
    return [annotation, *(a for inner in get_args(annotation) for a in _arguments(inner))]


def test_every_part_is_described_and_no_unknown_field_is_admitted():
    models = models_of(Record)
    assert len(models) > 20
    for model in models:
        assert model.__doc__ and model.model_config["extra"] == "forbid"


BOARD = sorted((content_folder("leaderboard") / "records").glob("*.json"))


@pytest.mark.parametrize("path", BOARD, ids=lambda path: path.stem)
def test_a_record_of_the_board_is_read_and_written_to_the_last_digit(path):
    plain = json.loads(path.read_text(encoding="utf-8"))
    record = read_record(path)
    assert record.to_json() == plain
    assert record_digest(record) == record_digest(plain)
    assert json.dumps(record.to_json(), sort_keys=True) == json.dumps(plain, sort_keys=True)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda r: r["model"].update(name="../botan"), "model/name"),
        (lambda r: r["task"].update(name="a/b"), "task/name"),
        (lambda r: r["dataset"].update(name="x" * 65), "dataset/name"),
        (lambda r: r["predictions"][0].update(path="../../etc/passwd"), "predictions/0/path"),
        (lambda r: r["predictions"][0].update(path="/etc/passwd"), "predictions/0/path"),
        (lambda r: r["cost"].update(wall_seconds=math.inf), "cost/wall_seconds"),
        (lambda r: r["hyperparameters"].update(width={"a": {"b": 1}}), "hyperparameters/width"),
        (lambda r: r["hyperparameters"].update(width=math.nan), "hyperparameters/width"),
        (lambda r: r.update(seeds=[0, 0]), "seeds"),
        (lambda r: r.update(seeds=[True]), "seeds/0"),
        (lambda r: r["model"].update(title="x" * 20_000), "model/title"),
        (lambda r: r["conditions"][0].update(condition={}), "conditions/0/condition"),
    ],
)
def test_what_a_stranger_may_write_is_bounded(change, place):
    record = record_of([result(GOOD)])
    change(record)
    with pytest.raises(RecordError, match=place) as caught:
        validate_record(record)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


def test_not_a_number_cannot_be_written(tmp_path):
    record = record_of([result(GOOD)])
    record["conditions"][0]["scores"]["pearson_a"]["value"] = math.nan
    with pytest.raises(ValueError):
        write_record(tmp_path / "a.json", record)


def transferred(to=EARLY, trained=LATE):
    variation = {"train_condition": dict(trained)}
    return result(GOOD, condition=to, trial={"seed": 0, "variation": variation})


def test_a_record_of_a_model_trained_elsewhere_says_where():
    record = record_of([transferred()], trained={"time": 5.0})
    assert record["trained"] == {"time": 5.0}
    assert record["conditions"][0]["trained_at"] == dict(LATE)
    assert "trained" not in record_of([result(GOOD)])


def test_a_record_that_does_not_say_where_it_was_trained_is_refused():
    record = record_of([transferred()], trained={"time": 5.0})
    for changes in ({"trained": None}, {"trained": {"time": 7.0}}):
        with pytest.raises(RecordError, match="it says that it was trained at"):
            validate_record(record | changes)
    with pytest.raises(RecordError, match="no record takes it"):
        record_of([transferred()])
    with pytest.raises(RecordError, match="no record takes it"):
        record_of([result(GOOD)], trained={"time": 5.0})
    cut = {"train_condition": dict(LATE), "training_configurations": 2}
    with pytest.raises(RecordError, match="no record takes it"):
        one = result(GOOD, trial={"seed": 0, "variation": cut})
        record_of([one], trained={"time": 5.0})


def test_a_record_names_a_target_that_is_not_the_tasks_own():
    assert "target" not in record_of([result(GOOD)])["task"]
    table = {"name": "pearson_a", "function": "pearson", "target": "other"}
    targets = {name: TASK.targets["propensity"] for name in ("propensity", "other")}
    metrics = tuple(map(MetricSpecification.from_table, (table, table | {"name": "x"})))
    task = TASK.model_copy(update={"targets": targets, "metrics": metrics}).asked_for("other")
    record = record_of([result(GOOD)], task=task)
    assert record["task"]["target"] == "other"
    assert record["task"]["primary_metric"] == "pearson_a"
