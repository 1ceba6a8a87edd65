"""Checks of predictions: whole, and dependent on structure, examples and seed alone."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..model import Model
from ..trial.predictions import Asked, PredictionsError, checked_answers
from .subject import BrokenContract, Subject, demand, differing_fields, same

FORBIDDEN = ("targets", "target", "trajectories", "displacements")


def check_answers(subject: Subject) -> None:
    """One mapping a structure, with the task's target, finite floats of the right length."""
    structures = copy.deepcopy(
        {e.structure.configuration: e.structure for e in subject.examples.test}
    )
    answers = subject.fitted.predict(list(structures.values()), subject.condition)
    answers = list(answers) if isinstance(answers, Iterator) else answers
    try:
        checked_answers(answers, structures, Asked("under check", subject.task, subject.condition))
    except PredictionsError as error:
        raise BrokenContract(str(error)) from None
    known = ", ".join(sorted(subject.task.targets))
    for name, values in ((name, values) for answer in answers for name, values in answer.items()):
        demand(
            name in subject.task.targets,
            f"`{name}` is not a target of {subject.task.name}: predict among {known}",
        )
        demand(
            getattr(values, "dtype", None) in (np.float32, np.float64),
            f"`{name}` is no numpy array of floats: return float32 or float64",
        )


def check_name(subject: Subject) -> None:
    """Predictions do not depend on what a configuration is called."""
    for name in ("another name", subject.examples.train[0].structure.configuration):
        subject.compare_structure(
            replace(subject.structure, configuration=name),
            f"under the name `{name}`",
            "the name of a configuration says nothing about its structure, so do not use it",
        )


def check_future(subject: Subject) -> None:
    """Predictions do not change with what a structure might carry about its future."""
    targets = subject.examples.test[0].targets
    for sign in (1.0, -1.0):
        signed = {name: sign * np.asarray(values) for name, values in targets.items()}
        bait = copy.deepcopy(subject.structure)
        for name, answer in {**dict.fromkeys(FORBIDDEN, signed), **signed}.items():
            object.__setattr__(bait, name, answer)
        subject.compare(
            subject.fitted.predict([bait], subject.condition)[0],
            "with its targets attached to the structure",
            "read nothing but the documented fields of `Structure`",
        )


def check_inputs_unchanged(subject: Subject) -> None:
    """Neither `fit` nor `predict` changes the arrays that it is given."""
    _, changed = subject.repeated
    demand(not changed, f"`fit` changes {', '.join(changed)} in place: work on a copy")
    held = copy.deepcopy(subject.structure)
    subject.fitted.predict([held], subject.condition)
    differing = differing_fields(subject.structure, held)
    demand(not differing, f"`predict` changes {', '.join(differing)} in place: work on a copy")


def check_repeated_prediction(subject: Subject) -> None:
    """Asked twice, a fitted model answers the same."""
    _demand_same(
        subject,
        subject.fitted,
        "two calls of `predict` on one structure differ: draw no random numbers in `predict` "
        "and keep nothing from one call to the next (dropout and batch statistics off)",
    )


def check_reproducible_fit(subject: Subject) -> None:
    """The same seed and examples give the same predictions, to the last bit."""
    _demand_same(
        subject,
        subject.repeated[0],
        "two fits with one seed on the same examples predict differently: take every random "
        "number from a generator made of `run.seed`, never from a global one",
    )


def check_save_and_load(subject: Subject) -> None:
    """A fresh instance that loads what was saved predicts the same, to the last bit."""
    fitted: Any = subject.fitted
    loaded: Any = subject.make()
    offered = [hasattr(fitted, name) for name in ("save", "load")]
    if not any(offered):
        return
    demand(all(offered), "the model has only one of `save` and `load`: define both, or neither")
    folder = subject.folder / "saved"
    fitted.save(folder)
    demand(
        folder.is_dir(), "`save(folder)` did not make the folder: make it and write into it alone"
    )
    loaded.load(folder)
    _demand_same(
        subject,
        loaded,
        "a fresh instance that loaded what was saved predicts differently: save every array and "
        "setting on which predictions depend",
    )


def check_independent_instances(subject: Subject) -> None:
    """A fitted model does not change when another instance is fitted on other examples."""
    _ = subject.another
    _demand_same(
        subject,
        subject.fitted,
        "a fitted model predicts differently once another instance was fitted: keep what is "
        "learned in `self`, not in the class, the module or a file of a fixed name",
    )


def check_other_seed(subject: Subject) -> None:
    """Another seed works too; its predictions may differ."""
    for name, values in subject.predict(subject.another, [subject.structure])[0].items():
        finite = np.isfinite(values).all()
        demand(finite, f"with seed 1 `{name}` is not finite: the model must fit with any seed")


def _demand_same(subject: Subject, model: Model, message: str) -> None:
    demand(same(subject.reference, subject.predict(model, [subject.structure])[0]), message)
