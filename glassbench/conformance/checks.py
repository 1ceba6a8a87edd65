"""The checks: of the laws of physics, and of what predictions may depend on."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..model import Model, Structure, with_positions
from ..structure.symmetry_groups import symmetry_matrices
from ..trial.predictions import Asked, PredictionsError, checked_answers
from .subject import BrokenContract, Subject, demand, differing_fields, same

MATRICES = 3
Wanted = Callable[[np.ndarray], bool]
FORBIDDEN = ("targets", "target", "trajectories", "displacements")


def check_permutation(subject: Subject) -> None:
    """Numbering the particles otherwise numbers the predictions otherwise, and no more."""
    order = np.random.default_rng(1).permutation(len(subject.structure.positions))
    permuted, pair_order = _permuted(subject.structure, order)
    expected = {
        name: values[order if subject.task.targets[name].per == "particle" else pair_order]
        for name, values in subject.reference.items()
    }
    subject.compare_structure(
        permuted,
        "with the particles in another order",
        "let nothing depend on the index of a particle, and return pair predictions in the order "
        "of `structure.pairs`",
        expected,
    )


def check_translation(subject: Subject) -> None:
    """Shifting all particles changes nothing."""
    box = subject.structure.box
    shift = np.random.default_rng(2).random(len(box)) * box
    subject.compare_structure(
        with_positions(subject.structure, lambda positions: (positions + shift) % box),
        f"with all particles shifted by {np.round(shift, 3).tolist()}",
        "use differences of positions under the minimum image, never positions themselves",
    )


def check_periodic_images(subject: Subject) -> None:
    """Replacing particles by periodic images of themselves changes nothing."""
    generator = np.random.default_rng(3)
    shape, box = subject.structure.positions.shape, subject.structure.box
    images = generator.integers(-2, 3, shape) * box
    subject.compare_structure(
        with_positions(subject.structure, lambda positions: positions + images),
        "with particles outside of the box",
        "wrap positions into the box, or take the minimum image of every difference",
    )


def check_rotation(subject: Subject) -> None:
    """Proper rotations of the task's symmetry group change nothing, where the model claims it."""
    _check_matrices(subject, "rotation", lambda matrix: np.linalg.det(matrix) > 0)


def check_reflection(subject: Subject) -> None:
    """Reflections of the task's symmetry group change nothing, where the model claims it."""
    _check_matrices(subject, "reflection", lambda matrix: np.linalg.det(matrix) < 0)


def check_co_rotation(subject: Subject) -> None:
    """Turning structure and load together changes nothing, where the task has a load."""
    frame = subject.structure.frame
    if frame is None:
        return
    group = "square" if len(frame) == 2 else "cubic"
    for matrix in _some_matrices(group, len(frame), 5, lambda matrix: True):
        subject.compare_structure(
            replace(turned(subject.structure, matrix), frame=frame @ matrix.T),
            f"with structure and load turned by {matrix.astype(int).tolist()}",
            "turn every neighbour vector into the frame of the load, `vectors @ structure.frame.T`",
        )


def check_company(subject: Subject) -> None:
    """Predictions of a structure do not depend on the others that are asked about with it."""
    other = subject.examples.test[1].structure
    for structures, position in (([subject.structure, other], 0), ([other, subject.structure], 1)):
        subject.compare(
            subject.predict(subject.fitted, structures)[position],
            f"asked as number {position + 1} of two structures instead of alone",
            "predict every structure by itself",
        )


def turned(structure: Structure, matrix: np.ndarray) -> Structure:
    """Return the structure turned by a signed permutation of the axes, its box with it.

    The frame of a load stays: the group consists of what leaves the load unchanged.
    """
    box = np.abs(matrix) @ structure.box
    return with_positions(structure, lambda positions: (positions @ matrix.T) % box, box=box)


def _check_matrices(subject: Subject, claim: str, wanted: Wanted) -> None:
    if claim not in subject.claims:
        return
    dimension = subject.structure.positions.shape[1]
    for matrix in _some_matrices(subject.task.symmetry, dimension, 4, wanted):
        subject.compare_structure(
            turned(subject.structure, matrix),
            f"turned by {matrix.astype(int).tolist()}",
            f'use lengths and angles alone, or take "{claim}" out of the claims in model.toml',
        )


def _some_matrices(group: str, dimension: int, seed: int, wanted: Wanted) -> np.ndarray:
    """Return a few of the matrices of a symmetry group that are wanted, without the identity."""
    matrices = symmetry_matrices(group, dimension).astype(float)
    others = [m for m in matrices if wanted(m) and not np.array_equal(m, np.eye(dimension))]
    return np.random.default_rng(seed).permutation(others)[:MATRICES]


def _permuted(structure: Structure, order: np.ndarray) -> tuple[Structure, np.ndarray]:
    """Return the structure with particles in another order, and the new order of its pairs."""
    new_index = np.empty_like(order)
    new_index[order] = np.arange(len(order))
    pairs, pair_order = None, np.empty(0, dtype=np.int64)
    if structure.pairs is not None:
        renumbered = np.sort(new_index[structure.pairs], axis=1)
        pair_order = np.lexsort((renumbered[:, 0], renumbered[:, 1]))
        pairs = renumbered[pair_order]
    dynamics = structure.dynamics
    if dynamics is not None:
        dynamics = {name: values[order] for name, values in dynamics.items()}
    others = {"species": structure.species[order], "pairs": pairs, "dynamics": dynamics}
    return with_positions(structure, lambda positions: positions[order], **others), pair_order


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
