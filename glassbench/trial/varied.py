"""What a trial learns from and is asked about, where it departs from the task's standard."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ..contract.trial_plan import Trial
from ..contract.variation import Perturbation, VariationError
from ..datasets.view import Examples, View
from ..model import Condition, Example, Structure
from .perturbation import at_particles, cut_example, draw_centres


class MappedExamples(Sequence[Example]):
    """Examples that are changed when they are read."""

    def __init__(self, examples: Sequence[Example], change: Callable[[Example], Example]) -> None:
        self.examples, self.change = examples, change

    def __len__(self) -> int:
        return len(self.examples)

    def __iter__(self) -> Iterator[Example]:
        return map(self.change, self.examples)

    def __getitem__(self, position):
        if isinstance(position, slice):
            return MappedExamples(self.examples[position], self.change)
        return self.change(self.examples[position])


def fit_conditions(trial: Trial) -> tuple[Condition, ...]:
    """Return the conditions at which the trial's model is trained."""
    elsewhere = trial.variation.train_condition
    return trial.conditions if elsewhere is None else (elsewhere,)


def fit_examples(view: View, trial: Trial, split: str) -> Sequence[Example]:
    """Return the examples of a split, `train` or `valid`, from which the trial's model learns.

    Raises
    ------
    VariationError
        If the training split has fewer configurations than are asked for, or shares an
        independent sample with those on which the trial is scored.
    """
    conditions, variation = fit_conditions(trial), trial.variation
    if variation.train_condition is not None:
        _check_parents(view, trial)
    examples: Sequence[Example] = view.examples(split, conditions)
    if split == "train" and variation.training_configurations is not None:
        count = variation.training_configurations
        examples = training_subset(view, conditions, count, trial.seed)
    perturbation = variation.perturbation
    if perturbation is not None and perturbation.in_training:
        return MappedExamples(examples, lambda example: cut_example(example, perturbation))
    return examples


def training_subset(view: View, conditions: Sequence[Condition], count: int, seed: int) -> Examples:
    """Return the training examples of `count` configurations at each condition.

    Configurations are taken parent by parent, in an order drawn from `seed` and the names
    of the parents, so that the subsets of one seed are nested.

    Raises
    ------
    VariationError
        If there are fewer.
    """
    entries = []
    for condition in conditions:
        examples = view.examples("train", (condition,))
        parents = view.parents("train", condition)
        order = sorted(range(len(parents)), key=lambda k: _rank(seed, parents[k]))
        # Under load, one configuration gives a structure for each protocol.
        configurations = list(dict.fromkeys(examples.entries[k][0].index for k in order))
        if len(configurations) < count:
            raise VariationError(
                f"training_configurations is {count}: the training split has "
                f"{len(configurations)} at {condition.name}"
            )
        taken = set(configurations[:count])
        entries += [entry for entry in examples.entries if entry[0].index in taken]
    return Examples(view, entries)


def centres_of(perturbation: Perturbation) -> Callable[[Structure], np.ndarray]:
    """Return what gives the particles (M,) of a structure about which a model is asked."""
    return lambda structure: draw_centres(
        structure.configuration, len(structure.positions), perturbation.centres
    )


def counted(example: Example) -> Example:
    """Return the part of a cut example that counts in its score: the centres."""
    return at_particles(example, example.balanced)


def _rank(seed: int, parent: str) -> str:
    return hashlib.sha256(f"{seed}\x1f{parent}".encode()).hexdigest()


def _check_parents(view: View, trial: Trial) -> None:
    """Refuse a training condition that shares an independent sample with the scored split."""
    split, where = trial.variation.scored_split, trial.variation.train_condition.name
    trained = {p for c in fit_conditions(trial) for p in view.parents("train", c)}
    for condition in trial.conditions:
        shared = trained & set(view.parents(split, condition))
        if shared:
            raise VariationError(
                f"sample {min(shared)} is in the training split at {where} and in the {split} "
                f"split at {condition.name}: the score would not be one of unseen samples"
            )
