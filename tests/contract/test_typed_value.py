"""Hyperparameters: defaults of the card, of a task, of a dataset, and what a run says."""

from __future__ import annotations

import pytest

from glassbench.contract.hyperparameters import typed_value
from glassbench.plugins.registry import load_model_card

DEFAULTS = {"lj2d_plasticity": {"any": {"by_species": False}, "mini": {"by_species": True}}}


def test_a_dataset_comes_after_its_task_and_a_word_after_both():
    card = load_model_card("coordination").model_copy(update={"defaults": DEFAULTS})

    def chosen(task, dataset, **words):
        return card.hyperparameters_for(task, dataset, words)["by_species"]

    assert chosen("cuzr_stiffness", "mini") is True
    assert chosen("lj2d_plasticity", "paper") is False
    assert chosen("lj2d_plasticity", "mini") is True
    assert chosen("lj2d_plasticity", "mini", by_species="off") is False
    assert chosen("lj2d_plasticity", "mini_rates") is True
    assert chosen("lj2d_plasticity", "minimal") is False


def test_a_dataset_named_in_full_comes_after_its_family():
    of_task = {"mini": {"by_species": True}, "mini_rates": {"by_species": False}}
    card = load_model_card("coordination").model_copy(
        update={"defaults": {"lj2d_plasticity": of_task}}
    )
    assert card.hyperparameters_for("lj2d_plasticity", "mini_rates", {})["by_species"] is False
    assert card.hyperparameters_for("lj2d_plasticity", "mini_slow", {})["by_species"] is True


@pytest.mark.parametrize(
    ("task", "dataset"), [("ka_propensity", "mini_temperatures"), ("cuzr_stiffness", "mini_slow")]
)
def test_the_networks_are_as_short_on_a_small_dataset_with_more_states(task, dataset):
    card = load_model_card("nt_gnn")
    chosen = card.hyperparameters_for(task, dataset, {})
    assert chosen == card.hyperparameters_for(task, "mini", {})
    assert chosen["epochs"] < card.hyperparameters["epochs"]


def test_a_list_may_be_empty():
    assert typed_value("[]", ["a"]) == typed_value([], ["a"]) == []
    assert typed_value("a,b", []) == ["a", "b"]
