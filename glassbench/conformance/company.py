"""Checks that a prediction depends on the structure, and on nothing that comes with it."""

from __future__ import annotations

import copy
from dataclasses import fields

import numpy as np

from ..model import Structure
from .subject import Subject, differing_fields

FORBIDDEN = ("targets", "target", "trajectories", "displacements")


def check_company(subject: Subject) -> str | None:
    """Predictions of a structure do not depend on the others that are asked about with it."""
    other = subject.examples.test[1].structure
    for structures, position in (([subject.structure, other], 0), ([other, subject.structure], 1)):
        answer = subject.predict(subject.fitted, structures)[position]
        difference = subject.difference(subject.reference, answer)
        if difference:
            return (
                f"asked as number {position + 1} of two structures instead of alone, {difference}: "
                "predict every structure by itself"
            )
    return None


def check_name(subject: Subject) -> str | None:
    """Predictions do not depend on what a configuration is called."""
    for name in ("another name", subject.examples.train[0].structure.configuration):
        renamed = subject.changed(configuration=name)
        difference = subject.difference(
            subject.reference, subject.predict(subject.fitted, [renamed])[0]
        )
        if difference:
            return (
                f"under the name `{name}` {difference}: the name of a configuration says nothing "
                "about its structure, so do not use it"
            )
    return None


def check_future(subject: Subject) -> str | None:
    """Predictions do not change with what a structure might carry about its future."""
    targets = subject.examples.test[0].targets
    for sign in (1.0, -1.0):
        bait = _with_attributes(
            subject.structure,
            {name: sign * np.asarray(values) for name, values in targets.items()},
        )
        answer = subject.fitted.predict([bait], subject.condition)[0]
        difference = subject.difference(subject.reference, answer)
        if difference:
            return (
                f"with its targets attached to the structure, {difference}: read nothing but the "
                "documented fields of `Structure`"
            )
    return None


def check_inputs_unchanged(subject: Subject) -> str | None:
    """Neither `fit` nor `predict` changes the arrays that it is given."""
    _, changed = subject.repeated
    if changed:
        return f"`fit` changes {', '.join(changed)} in place: work on a copy"
    held = copy.deepcopy(subject.structure)
    subject.fitted.predict([held], subject.condition)
    differing = differing_fields(subject.structure, held)
    if differing:
        return f"`predict` changes {', '.join(differing)} in place: work on a copy"
    return None


def _with_attributes(structure: Structure, targets: dict[str, np.ndarray]) -> Structure:
    """Return a copy that also carries the answers, under names that a model might try."""
    values = {field.name: getattr(structure, field.name) for field in fields(structure)}
    bait = Structure(**copy.deepcopy(values))
    for name in FORBIDDEN:
        object.__setattr__(bait, name, targets)
    for name, answer in targets.items():
        object.__setattr__(bait, name, answer)
    return bait
