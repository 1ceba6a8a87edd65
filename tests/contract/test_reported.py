"""Published numbers: read by condition and dataset, and those of `ka_propensity` as published."""

import csv
from pathlib import Path

import pytest

from glassbench.contract.errors import UserError
from glassbench.contract.task import (
    plain_name,
    read_reported,
    read_task,
    reported_at,
)
from glassbench.model import Condition

TASK = read_task(Path(__file__).resolve().parents[2] / "tasks" / "ka_propensity")
REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference"
AT = Condition.of(temperature=0.44, time=4120)


def test_numbers_are_shown_on_their_own_dataset_alone_and_best_first():
    numbers = reported_at(TASK, "roadmap", AT)
    assert [number.value for number in numbers] == sorted((n.value for n in numbers), reverse=True)
    assert {number.metric for number in numbers} == {"pearson_a"}
    assert len([number for number in numbers if plain_name(number.model) == "botan"]) == 1
    assert reported_at(TASK, "mini", AT) == []
    assert reported_at(TASK, "roadmap", Condition.of(temperature=0.44, time=4000)) == []


@pytest.mark.skipif(not REFERENCE.exists(), reason="the published tables are not beside this one")
@pytest.mark.parametrize("metric", ["pearson_a", "pearson_a_pooled"])
def test_every_published_number_stands_there_once(metric):
    kind = {"pearson_a": "mean", "pearson_a_pooled": "all"}[metric]
    published = []
    for path in REFERENCE.glob(f"ka_propensity_glassbench_pcc_{kind}_T*.csv"):
        temperature = float(path.stem.rpartition("_T")[2])
        with open(path, newline="") as file:
            for row in csv.DictReader(file):
                time = float(row.pop("t"))
                published += [(temperature, time, float(value)) for value in row.values()]
    ours = [
        (n.condition["temperature"], n.condition["time"], n.value)
        for n in read_reported(TASK)
        if n.metric == metric
    ]
    assert sorted(ours) == sorted(published)
    assert len(ours) > 100


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("BOTAN,pearson_a,roadmap,0.44,x,0.5,Jung", "line 2"),
        ("BOTAN,r2,roadmap,0.44,1,0.5,Jung", "`r2`"),
        ("BOTAN,pearson_a,roadmap,0.44,1,nan,Jung", "finite"),
        ("BOTAN,pearson_a,roadmap,0.44,1,0.5,", "source"),
    ],
)
def test_a_wrong_line_is_named(line, words, tmp_path):
    header = "model,metric,dataset,temperature,time,value,source"
    (tmp_path / "reported.csv").write_text(f"{header}\n{line}\n")
    with pytest.raises(UserError, match=words):
        read_reported(TASK.model_copy(update={"folder": tmp_path}))
    (tmp_path / "reported.csv").write_text("model,metric\n")
    with pytest.raises(UserError, match="columns"):
        read_reported(TASK.model_copy(update={"folder": tmp_path}))
