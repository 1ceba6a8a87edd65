"""The model under check: how it is fitted and asked, always on copies of the examples."""

from __future__ import annotations

import copy
import random
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..contract.task import Task
from ..model import Condition, Example, Model, Predictions, Structure
from ..trial.stages import fit_run
from .structures import Examples

ARRAYS = [f.name for f in fields(Structure) if f.name not in ("configuration", "dynamics")]
# Largest change of a prediction that counts as none, in standard deviations of the prediction.
TOLERANCE = 1e-3


class BrokenContract(Exception):
    """A model breaks the contract; the message says how, and what to do."""


def demand(condition: object, message: str) -> None:
    """Require something of the model under check."""
    if not condition:
        raise BrokenContract(message)


@dataclass(eq=False)
class Subject:
    """A model class with all that a check needs; `folder` is for scratch files.

    `structure` is where single predictions are compared, `fitted` has the seed 0.
    """

    model_class: Callable[..., Model]
    hyperparameters: Mapping[str, Any]
    examples: Examples
    task: Task
    claims: tuple[str, ...]
    folder: Path

    @property
    def condition(self) -> Condition:
        return self.examples.train[0].condition

    @property
    def structure(self) -> Structure:
        return self.examples.test[0].structure

    @cached_property
    def fitted(self) -> Model:
        _seed_global_generators(1)
        return self.fit(self.examples.train, self.examples.valid)

    @cached_property
    def reference(self) -> Predictions:
        """What the fitted model predicts for `structure` alone."""
        return self.predict(self.fitted, [self.structure])[0]

    @cached_property
    def repeated(self) -> tuple[Model, tuple[str, ...]]:
        """A second model fitted alike, and the names of the arrays that fitting changed."""
        _seed_global_generators(2)
        held = copy.deepcopy(self.examples)
        model = self.fit(held.train, held.valid, copies=False)
        before = [e.structure for e in (*self.examples.train, *self.examples.valid)]
        after = [e.structure for e in (*held.train, *held.valid)]
        changed = [name for pair in zip(before, after) for name in differing_fields(*pair)]
        for first, second in zip(self.examples.train, held.train):
            changed += [
                f"targets[{name!r}]"
                for name in first.targets
                if not np.array_equal(first.targets[name], second.targets[name])
            ]
        return model, tuple(dict.fromkeys(changed))

    @cached_property
    def another(self) -> Model:
        """A model fitted after the first one was asked, on other examples with another seed."""
        _ = self.reference
        return self.fit(self.examples.test, self.examples.valid, seed=1)

    def make(self) -> Model:
        return self.model_class(**copy.deepcopy(dict(self.hyperparameters)))

    def fit(
        self, train: Sequence[Example], valid: Sequence[Example], seed: int = 0, copies: bool = True
    ) -> Model:
        """Return a fresh model fitted on the examples, in a fresh scratch folder."""
        model = self.make()
        if copies:
            train, valid = copy.deepcopy((tuple(train), tuple(valid)))
        folder = Path(tempfile.mkdtemp(dir=self.folder), "fit")
        model.fit(train, valid, fit_run(self.task, folder, seed=seed, conditions=(self.condition,)))
        return model

    def predict(self, model: Model, structures: Sequence[Structure]) -> list[Predictions]:
        """Return predictions for copies of the structures, as arrays of their own."""
        answers = model.predict(copy.deepcopy(list(structures)), self.condition)
        return [{name: np.array(a) for name, a in answer.items()} for answer in answers]

    def compare(
        self, answer: Predictions, when: str, advice: str, expected: Predictions | None = None
    ) -> None:
        """Demand that an answer is the expected one, the reference, but for the tolerance.

        `when` and `advice` are the beginning and the end of the message.
        """
        for name, values in (expected or self.reference).items():
            change = np.abs(np.asarray(answer[name], float) - np.asarray(values, float))
            allowed = TOLERANCE * np.std(values) + 1e-5 * np.abs(values).max(initial=0)
            if change.size and change.max() > allowed:
                item = self.task.targets[name].per
                raise BrokenContract(
                    f"{when}, `{name}` changes by up to {change.max():.3g} ({item} "
                    f"{change.argmax()}), at most {allowed:.3g} is allowed: {advice}"
                )

    def compare_structure(
        self, structure: Structure, when: str, advice: str, expected: Predictions | None = None
    ) -> None:
        """Compare what the fitted model predicts for another structure alone."""
        self.compare(self.predict(self.fitted, [structure])[0], when, advice, expected)


def same(first: Predictions, second: Predictions) -> bool:
    """Return whether two predictions agree to the last bit."""
    return first.keys() == second.keys() and all(
        np.array_equal(first[name], second[name], equal_nan=True) for name in first
    )


def differing_fields(first: Structure, second: Structure) -> list[str]:
    """Return the names of the array fields in which two structures differ."""
    values = {name: (getattr(first, name), getattr(second, name)) for name in ARRAYS}
    for name, array in (first.dynamics or {}).items():
        values[f"dynamics[{name!r}]"] = (array, (second.dynamics or {}).get(name))
    return [
        name
        for name, (a, b) in values.items()
        if (a is None) != (b is None) or (a is not None and not np.array_equal(a, b))
    ]


def _seed_global_generators(seed: int) -> None:
    """Set the generators that a model must not use, so that its use of them shows."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the global state is what is meant
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
