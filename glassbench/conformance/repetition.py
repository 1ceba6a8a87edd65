"""Checks of fitting again: the seed alone decides, and instances do not know of each other."""

from __future__ import annotations

import numpy as np

from .subject import Subject, same


def check_reproducible_fit(subject: Subject) -> str | None:
    """The same seed and examples give the same predictions, to the last bit."""
    model, _ = subject.repeated
    again = subject.predict(model, [subject.structure])[0]
    if same(subject.reference, again):
        return None
    return (
        "two fits with one seed on the same examples predict differently: take every random "
        "number from a generator made of `run.seed`, never from a global one"
    )


def check_independent_instances(subject: Subject) -> str | None:
    """A fitted model does not change when another instance is fitted on other examples."""
    before = subject.reference
    subject.fit(subject.examples.test, subject.examples.valid)
    after = subject.predict(subject.fitted, [subject.structure])[0]
    if same(before, after):
        return None
    return (
        "a fitted model predicts differently once another instance was fitted: keep what is "
        "learned in `self`, not in the class, the module or a file of a fixed name"
    )


def check_other_seed(subject: Subject) -> str | None:
    """Another seed works too; its predictions may differ."""
    model = subject.fit(subject.examples.train, subject.examples.valid, seed=1)
    for name, values in subject.predict(model, [subject.structure])[0].items():
        if not np.isfinite(values).all():
            return (
                f"with seed 1 `{name}` is not finite everywhere: the model must fit with any seed"
            )
    return None
