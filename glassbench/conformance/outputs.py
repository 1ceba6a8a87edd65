"""Checks of what comes back from `predict`."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..model import Structure
from .subject import Subject, same


def check_shapes(subject: Subject) -> str | None:
    """One mapping a structure, with the task's target, an array of floats of the right length."""
    structures = copy.deepcopy([example.structure for example in subject.examples.test])
    answers = subject.fitted.predict(structures, subject.condition)
    try:
        answers = list(answers)
    except TypeError:
        return f"`predict` returned {type(answers).__name__}: return a list of mappings"
    if len(answers) != len(structures):
        return (
            f"`predict` returned {len(answers)} predictions for {len(structures)} structures: "
            "return one for each, in their order"
        )
    for structure, answer in zip(structures, answers, strict=True):
        if not isinstance(answer, Mapping):
            return (
                f"a prediction is a {type(answer).__name__}: return a mapping from target name to "
                "array"
            )
        if subject.task.target not in answer:
            return (
                f"a prediction has {sorted(answer)} but not `{subject.task.target}`, the target "
                "of the task (`run.target` in `fit`): add it"
            )
        for name, values in answer.items():
            message = _wrong_array(subject, structure, name, values)
            if message:
                return message
    return None


def _wrong_array(subject: Subject, structure: Structure, name: str, values: Any) -> str | None:
    if name not in subject.task.targets:
        known = ", ".join(sorted(subject.task.targets))
        return f"`{name}` is not a target of {subject.task.name}: predict among {known}"
    if not isinstance(values, np.ndarray):
        return f"`{name}` is a {type(values).__name__}: return a numpy array"
    per = subject.task.targets[name].per
    items = structure.positions if per == "particle" else structure.pairs
    length = 0 if items is None else len(items)
    if values.shape != (length,):
        return (
            f"`{name}` has the shape {values.shape} for {length} {per}s: return ({length},), "
            "in the order of the structure"
        )
    if values.dtype not in (np.float32, np.float64):
        return f"`{name}` has the dtype {values.dtype}: return float32 or float64"
    return None


def check_finite(subject: Subject) -> str | None:
    """No prediction is NaN or infinite."""
    structures = [example.structure for example in subject.examples.test]
    for structure, answer in zip(structures, subject.predict(subject.fitted, structures)):
        for name, values in answer.items():
            wrong = np.flatnonzero(~np.isfinite(values))
            if len(wrong):
                return (
                    f"`{name}` has {len(wrong)} values that are not finite, the first at "
                    f"{wrong[0]} of {structure.configuration}: find where the model divides by "
                    "zero or overflows"
                )
    return None


def check_repeated_prediction(subject: Subject) -> str | None:
    """Asked twice, a fitted model answers the same."""
    again = subject.predict(subject.fitted, [subject.structure])[0]
    if same(subject.reference, again):
        return None
    return (
        "two calls of `predict` on one structure differ: draw no random numbers in `predict` "
        "and keep nothing from one call to the next (dropout and batch statistics off)"
    )
