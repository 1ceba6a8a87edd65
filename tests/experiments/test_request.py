"""What words ask for: another target, and training elsewhere."""

import pytest

from glassbench.contract.errors import DatasetError, UserError, WordError
from glassbench.contract.trial_plan import Variation
from glassbench.experiments.request import floor_trials, make_requests, model_trials, task_of
from glassbench.experiments.words import parse_run, split_words
from glassbench.home.workspace import Workspace

TRAIN = ["train.temperature", "train.time"]


def requests_of(tmp_path, *words):
    words = ["task=ka_propensity", "model=local_energy", "dataset=mini_temperatures", *words]
    task = task_of(split_words(words))
    asked = parse_run(split_words(words), [axis.name for axis in task.axes], TRAIN)
    return make_requests(task, asked, Workspace(tmp_path))


def test_a_target_is_asked_for_where_the_dataset_holds_it(tmp_path):
    (own,) = requests_of(tmp_path)
    (request,) = requests_of(tmp_path, "target=relative_displacement")
    assert {c["temperature"] for c in request.conditions} == {0.56}
    assert {t.target for t in (*model_trials(request), *floor_trials(request))} == {
        "relative_displacement"
    }
    assert request.digest != own.digest
    assert not {t.key for t in model_trials(request)} & {t.key for t in model_trials(own)}
    with pytest.raises(UserError, match="`relative_displacement` has no temperature 0.64"):
        requests_of(tmp_path, "target=relative_displacement", "temperature=0.64")


def test_a_dataset_without_the_target_names_one_that_holds_it(tmp_path):
    words = ["task=ka_propensity", "model=local_energy", "target=bond_breaking"]
    task = task_of(split_words(words))
    with pytest.raises(DatasetError, match="give dataset=mini_temperatures"):
        make_requests(
            task, parse_run(split_words(words), ["temperature", "time"]), Workspace(tmp_path)
        )


def test_a_model_is_trained_at_the_most_alike_condition_elsewhere(tmp_path):
    (request,) = requests_of(
        tmp_path, "temperature=0.64", "time=0.52,5.2,16.5", "train.temperature=0.56"
    )
    pairs = dict(zip(request.conditions, request.trained_at, strict=True))
    assert {c["time"]: there["time"] for c, there in pairs.items()} == {
        0.52: 1.65, 5.2: 16.5, 16.5: 52.0
    }  # fmt: skip
    assert {there["temperature"] for there in pairs.values()} == {0.56}
    for trial in (*model_trials(request), *floor_trials(request)):
        assert trial.variation == Variation(train_condition=trial.variation.train_condition)
        assert trial.fit_conditions == (pairs[trial.conditions[0]],)
    (named,) = requests_of(
        tmp_path, "temperature=0.64", "time=16.5", "train.temperature=0.56", "train.time=16.5"
    )
    assert [there["time"] for there in named.trained_at] == [16.5]
    assert named.digest != request.digest


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train.temperature=0.5"], "has nothing at temperature=0.5"),
        (["train.temperature=0.56"], "which is tested: leave them out"),
        (["train.temperatur=0.56"], "no key `train.temperatur`"),
        (["train.temperature=cold"], "is not a number"),
    ],
)
def test_training_elsewhere_that_cannot_be_is_refused(words, message, tmp_path):
    with pytest.raises(WordError, match=message):
        requests_of(tmp_path, *words)
