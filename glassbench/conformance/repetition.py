"""Checks of a second instance: fitted again, fitted on other examples, or loaded."""

from __future__ import annotations

from typing import Any

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


def check_save_and_load(subject: Subject) -> str | None:
    """A fresh instance that loads what was saved predicts the same, to the last bit."""
    fitted: Any = subject.fitted
    loaded: Any = subject.make()
    offered = [hasattr(fitted, name) for name in ("save", "load")]
    if not any(offered):
        return None
    if not all(offered):
        return "the model has only one of `save` and `load`: define both, or neither"
    folder = subject.folder / "saved"
    fitted.save(folder)
    if not folder.is_dir():
        return "`save(folder)` did not make the folder: make it and write into it alone"
    loaded.load(folder)
    answer = subject.predict(loaded, [subject.structure])[0]
    if same(subject.reference, answer):
        return None
    return (
        "a fresh instance that loaded what was saved predicts differently: save every array and "
        "setting on which predictions depend"
    )
