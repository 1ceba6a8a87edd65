"""A variation changes the key of a trial; no variation changes nothing."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from glassbench.contract.errors import UserError
from glassbench.contract.trial_plan import (
    DatasetReference,
    ModelReference,
    Perturbation,
    Trial,
    Variation,
    trial_from_json,
    variation_from_json,
)
from glassbench.model import Condition

COLD, HOT = (Condition.of(temperature=t, time=5.0) for t in (0.44, 0.64))
STANDARD = Trial(
    task="ka_propensity",
    task_folder="/tasks/ka_propensity",
    protocol_version=1,
    dataset=DatasetReference("tiny", "/data/tiny.zarr", "sha256:1"),
    model=ModelReference("counter", "/baselines/counter", "2" * 64),
    conditions=(HOT,),
    hyperparameters={"cutoff": 1.3},
    seed=0,
)
CUT = Perturbation("remove", inner=2, in_training=True)
SHAKEN = Perturbation("displace", inner=1.5, outer=2.5, amplitude=0.1)
VARIATIONS = [
    Variation(other_targets=True),
    Variation(perturbation=Perturbation("none", in_training=True)),
    Variation(perturbation=Perturbation("none")),
    Variation(scored_split="valid"),
    Variation(training_configurations=3),
    Variation(train_condition=COLD),
    Variation(perturbation=CUT),
    Variation(perturbation=SHAKEN),
    Variation("valid", 2, COLD, SHAKEN),
]


def test_a_standard_trial_has_the_json_and_the_key_of_a_trial_without_variations():
    plain = STANDARD.to_json()
    assert list(plain) == [
        "task", "task_folder", "protocol_version", "dataset", "model", "conditions",
        "hyperparameters", "seed", "floor",
    ]  # fmt: skip
    content = {
        "task": "ka_propensity",
        "protocol_version": 1,
        "dataset": "sha256:1",
        "model": "2" * 64,
        "conditions": [[["temperature", 0.64], ["time", 5.0]]],
        "hyperparameters": {"cutoff": 1.3},
        "seed": 0,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    assert STANDARD.key == hashlib.sha256(text.encode()).hexdigest()
    assert STANDARD.fit_key == STANDARD.key
    assert trial_from_json(plain) == STANDARD
    assert STANDARD.name == "counter temperature=0.64 time=5 seed=0"


@pytest.mark.parametrize(
    ("variation", "key"),
    [
        (Variation(), "5d422a17d2aaf9cf355eedd0df078fc9a91686b42d1b4497ff420a828b571827"),
        (
            Variation("valid", 2, COLD, SHAKEN),
            "431ecac8b9e0d0f94b06f7be11093c4d6cdc0525ee8310b13f0ca28bc10cfc50",
        ),
        (
            Variation(perturbation=CUT),
            "a74f2d2356c5bfedc72267a43b5cb5133eff72039a63b830d31d839b66260988",
        ),
    ],
)
def test_keys_under_which_trials_are_stored_stay_the_same(variation, key):
    assert replace(STANDARD, variation=variation).key == key


@pytest.mark.parametrize("variation", VARIATIONS, ids=lambda v: v.name)
def test_every_variation_has_its_own_key_and_survives_json(variation):
    varied = replace(STANDARD, variation=variation)
    others = {replace(STANDARD, variation=v).key for v in VARIATIONS if v != variation}
    assert varied.key not in others | {STANDARD.key}
    again = trial_from_json(json.loads(json.dumps(varied.to_json())))
    assert again == varied
    assert again.key == varied.key
    assert variation_from_json(variation.to_json()) == variation


def test_what_is_predicted_does_not_change_the_fit():
    def fit(variation, **changes):
        return replace(STANDARD, variation=variation, **changes).fit_key

    # A model that is being tuned reports each epoch: it takes no fit that is stored.
    assert fit(Variation(scored_split="valid")) != STANDARD.key
    assert fit(Variation(perturbation=SHAKEN)) == STANDARD.key
    assert fit(Variation(other_targets=True)) == STANDARD.key
    cold = replace(STANDARD, conditions=(COLD,))
    assert fit(Variation(train_condition=COLD), conditions=(COLD, HOT)) == cold.key
    assert (
        fit(Variation(perturbation=CUT))
        == replace(STANDARD, variation=Variation(perturbation=CUT)).key
    )
    assert fit(Variation(training_configurations=3)) != STANDARD.key


def test_lengths_have_one_json_however_they_were_written():
    assert json.dumps(Variation(perturbation=Perturbation("remove", inner=2)).to_json()) == (
        json.dumps(Variation(perturbation=Perturbation("remove", inner=2.0)).to_json())
    )


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Variation(scored_split="train"), "`train` is none of test, valid"),
        (lambda: Variation(training_configurations=0), "is 0: it must be 1 or more"),
        (lambda: Perturbation("cut"), "`cut` is none of remove, displace, none"),
        (lambda: Perturbation("none", inner=1.0), "nothing happens"),
        (lambda: Perturbation("remove", inner=2.0, outer=2.0), "from 2 to 2 is empty"),
        (lambda: Perturbation("remove", amplitude=0.1), "a removal has none"),
        (lambda: Perturbation("displace"), "has one above 0"),
        (lambda: Perturbation("remove", centres=1), "needs 2 particles"),
        (lambda: replace(SHAKEN, in_training=True), "not on displaced ones"),
    ],
)
def test_contradictions_are_refused(make, words):
    with pytest.raises(UserError, match=words):
        make()


def test_another_target_is_another_trial_and_its_own_target_leaves_the_key_alone():
    other = replace(STANDARD, target="bond_breaking")
    assert other.key != STANDARD.key and "target" not in STANDARD.to_json()
    assert trial_from_json(other.to_json()) == other
    assert "target=bond_breaking" in other.name
