"""What boards read of a record says what the record says."""

import math

import numpy as np
import pytest

from glassbench.pages.scores import scores_of

from .synthetic_records import make_record

POINTS = [{"temperature": 0.64, "time": time} for time in (0.5, 5.0, 16.5)]


@pytest.fixture
def record(task):
    return make_record(task, "m", 0.5, POINTS, parents=4, seeds=(0, 1))


def test_arrays_hold_the_scores_of_the_conditions(record, task):
    scores = scores_of(record, [axis.name for axis in task.axes])
    assert scores.points == ((0.64, 0.5), (0.64, 5.0), (0.64, 16.5))
    for k, entry in enumerate(record["conditions"]):
        for metric, found in entry["scores"].items():
            told = scores.score(metric, scores.points[k])
            assert told == (found["value"], found["interval"] and tuple(found["interval"]))
        for metric, ceiling in entry["ceiling"].items():
            assert scores.ceiling[metric][k] == ceiling["value"]
        assert {f["model"]: f["value"] for f in entry["floors"]} == {
            name: values[k] for name, values in scores.floors.items()
        }
        assert scores.parents[k] == tuple(entry["parents"])
    (group,) = scores.groups
    assert group.values.shape == (3, 4) and group.places.tolist() == [0, 1, 2]
    primary = record["task"]["primary_metric"]
    seeds = record["conditions"][1]["scores"][primary]["seeds"]
    assert group.values[1] == pytest.approx(
        np.mean([seed["by_configuration"] for seed in seeds], axis=0)
    )


def test_what_a_record_does_not_say_is_nothing(record, task):
    primary = record["task"]["primary_metric"]
    record["conditions"][0]["scores"][primary] |= {"value": None, "interval": None}
    for seed in record["conditions"][2]["scores"][primary]["seeds"]:
        seed["by_configuration"] = []
    scores = scores_of(record, [axis.name for axis in task.axes])
    assert scores.score(primary, (0.64, 0.5)) == (None, None)
    assert scores.score(primary, (0.44, 0.5)) == (None, None)
    assert scores.score("none", (0.64, 5.0)) == (None, None)
    along = scores.along(scores.value[primary], [(0.64, 5.0), (0.44, 1.0)])
    assert along[0] == record["conditions"][1]["scores"][primary]["value"]
    assert math.isnan(along[1])
    assert np.isnan(scores.along(None, [(0.64, 5.0)])).all()
    assert [group.places.tolist() for group in scores.groups] == [[0, 1]]
