"""Validation is carved from training parents alone, by names."""

from __future__ import annotations

import random

import pytest

from glassbench.contract.errors import DatasetError
from glassbench.datasets.layout import ConfigurationEntry, carve_validation, check_splits


def entries(train: int, test: int = 3, per_parent: int = 1) -> list[ConfigurationEntry]:
    return [
        ConfigurationEntry(f"{split}{i}", split, f"{split}-parent{i // per_parent}")
        for split, count in (("train", train), ("test", test))
        for i in range(count)
    ]


def test_a_tenth_of_the_training_parents_becomes_validation_and_test_stays():
    carved = carve_validation(entries(40))
    splits = [entry.split for entry in carved]
    assert (splits.count("train"), splits.count("valid"), splits.count("test")) == (36, 4, 3)
    assert all(entry.split == "test" for entry in carved if entry.name.startswith("test"))


def test_the_choice_does_not_depend_on_the_order():
    original = entries(30)
    shuffled = random.Random(1).sample(original, len(original))
    assert set(carve_validation(original)) == set(carve_validation(shuffled))


def test_another_seed_chooses_others():
    chosen = [
        {e.name for e in carve_validation(entries(100), seed=seed) if e.split == "valid"}
        for seed in ("T0.44", "T0.50")
    ]
    assert chosen[0] != chosen[1]


def test_parents_are_never_torn():
    carved = carve_validation(entries(40, per_parent=4), fraction=0.3)
    check_splits(carved)
    assert sum(entry.split == "valid" for entry in carved) == 12


def test_at_least_one_is_taken_and_one_is_left():
    assert [e.split for e in carve_validation(entries(2, 0))].count("valid") == 1
    assert [e.split for e in carve_validation(entries(1, 0))] == ["train"]


def test_a_given_validation_split_is_kept():
    given = [*entries(10), ConfigurationEntry("v", "valid", "v")]
    assert list(carve_validation(given)) == given


def test_a_parent_on_two_sides_is_refused():
    with pytest.raises(DatasetError, match="parent p has configurations in train and in test"):
        check_splits([ConfigurationEntry("a", "train", "p"), ConfigurationEntry("b", "test", "p")])


@pytest.mark.parametrize("fraction", [-0.1, 1.0])
def test_an_impossible_fraction_is_refused(fraction):
    with pytest.raises(DatasetError, match="validation fraction"):
        carve_validation(entries(10), fraction)
