"""Hyperparameters: defaults of the card, of a task, of a dataset, and what a run says."""

from __future__ import annotations

from dataclasses import replace

from glassbench.hyperparameters import hyperparameters_for
from glassbench.registry import load_model_card

DEFAULTS = {"lj2d_plasticity": {"any": {"by_species": False}, "mini": {"by_species": True}}}


def test_a_dataset_comes_after_its_task_and_a_word_after_both():
    card = replace(load_model_card("coordination"), defaults=DEFAULTS)

    def chosen(task, dataset, **words):
        return hyperparameters_for(card, task, dataset, words)["by_species"]

    assert chosen("cuzr_stiffness", "mini") is True
    assert chosen("lj2d_plasticity", "paper") is False
    assert chosen("lj2d_plasticity", "mini") is True
    assert chosen("lj2d_plasticity", "mini", by_species="off") is False
