"""Checks of what comes back from `predict`."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..model import Structure
from .subject import Subject, demand


def check_shapes(subject: Subject) -> None:
    """One mapping a structure, with the task's target, an array of floats of the right length."""
    structures = copy.deepcopy([example.structure for example in subject.examples.test])
    answers = subject.fitted.predict(structures, subject.condition)
    target = subject.task.target
    try:
        answers = list(answers)
    except TypeError:
        kind = type(answers).__name__
        demand(False, f"`predict` returned {kind}: return a list of mappings")
    demand(
        len(answers) == len(structures),
        f"`predict` returned {len(answers)} predictions for {len(structures)} structures: return "
        "one for each, in their order",
    )
    for structure, answer in zip(structures, answers, strict=True):
        demand(
            isinstance(answer, Mapping),
            f"a prediction is a {type(answer).__name__}: return a mapping from target name to "
            "array",
        )
        demand(
            target in answer,
            f"a prediction has {sorted(answer)} but not `{target}`, the target of the task "
            "(`run.target` in `fit`): add it",
        )
        for name, values in answer.items():
            _check_array(subject, structure, name, values)


def _check_array(subject: Subject, structure: Structure, name: str, values: Any) -> None:
    targets = subject.task.targets
    known = ", ".join(sorted(targets))
    demand(
        name in targets,
        f"`{name}` is not a target of {subject.task.name}: predict among {known}",
    )
    kind = type(values).__name__
    demand(isinstance(values, np.ndarray), f"`{name}` is a {kind}: return a numpy array")
    per = targets[name].per
    items = structure.positions if per == "particle" else structure.pairs
    length = 0 if items is None else len(items)
    demand(
        values.shape == (length,),
        f"`{name}` has the shape {values.shape} for {length} {per}s: return ({length},), in the "
        "order of the structure",
    )
    demand(
        values.dtype in (np.float32, np.float64),
        f"`{name}` has the dtype {values.dtype}: return float32 or float64",
    )


def check_finite(subject: Subject) -> None:
    """No prediction is NaN or infinite."""
    structures = [example.structure for example in subject.examples.test]
    for structure, answer in zip(structures, subject.predict(subject.fitted, structures)):
        for name, values in answer.items():
            wrong = np.flatnonzero(~np.isfinite(values))
            first = wrong[0] if len(wrong) else None
            demand(
                not len(wrong),
                f"`{name}` has {len(wrong)} values that are not finite, the first at {first} of "
                f"{structure.configuration}: find where the model divides by zero or overflows",
            )
