"""Checks of the laws of physics: what leaves the structure as it is leaves predictions alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..model import Predictions, Structure
from .subject import Subject

POSITIONS = ("positions", "inherent_positions", "cage_positions")
MATRICES = 3


def check_permutation(subject: Subject) -> str | None:
    """Numbering the particles otherwise numbers the predictions otherwise, and no more."""
    structure = subject.structure
    order = np.random.default_rng(1).permutation(len(structure.positions))
    permuted, pair_order = _permuted(structure, order)
    answer = subject.predict(subject.fitted, [permuted])[0]
    expected = {
        name: values[order if subject.task.targets[name].per == "particle" else pair_order]
        for name, values in subject.reference.items()
    }
    difference = subject.difference(expected, answer)
    if difference:
        return (
            f"with the particles in another order, {difference}: let nothing depend on the index "
            "of a particle, and return pair predictions in the order of `structure.pairs`"
        )
    return None


def check_translation(subject: Subject) -> str | None:
    """Shifting all particles changes nothing."""
    box = subject.structure.box
    shift = np.random.default_rng(2).random(len(box)) * box
    moved = _with_positions(subject.structure, lambda positions: (positions + shift) % box)
    difference = _difference(subject, moved)
    if difference:
        return (
            f"with all particles shifted by {np.round(shift, 3).tolist()}, {difference}: use "
            "differences of positions under the minimum image, never positions themselves"
        )
    return None


def check_periodic_images(subject: Subject) -> str | None:
    """Replacing particles by periodic images of themselves changes nothing."""
    box = subject.structure.box
    generator = np.random.default_rng(3)
    images = generator.integers(-2, 3, subject.structure.positions.shape) * box
    moved = _with_positions(subject.structure, lambda positions: positions + images)
    difference = _difference(subject, moved)
    if difference:
        return (
            f"with particles outside of the box, {difference}: wrap positions into the box, or "
            "take the minimum image of every difference"
        )
    return None


def check_rotation(subject: Subject) -> str | None:
    """Proper rotations of the task's symmetry group change nothing, where the model claims it."""
    return _check_matrices(subject, "rotation", lambda matrix: np.linalg.det(matrix) > 0)


def check_reflection(subject: Subject) -> str | None:
    """Reflections of the task's symmetry group change nothing, where the model claims it."""
    return _check_matrices(subject, "reflection", lambda matrix: np.linalg.det(matrix) < 0)


def check_co_rotation(subject: Subject) -> str | None:
    """Turning structure and load together changes nothing, where the task has a load."""
    from ..training.augmentation import symmetry_matrices

    frame = subject.structure.frame
    if frame is None:
        return None
    dimension = len(frame)
    matrices = symmetry_matrices("square" if dimension == 2 else "cubic", dimension).astype(float)
    others = [m for m in matrices if not np.array_equal(m, np.eye(dimension))]
    for matrix in np.random.default_rng(5).permutation(others)[:MATRICES]:
        together = replace(turned(subject.structure, matrix), frame=frame @ matrix.T)
        difference = _difference(subject, together)
        if difference:
            rows = matrix.astype(int).tolist()
            return (
                f"with structure and load turned by {rows}, {difference}: turn every neighbour "
                "vector into the frame of the load, `vectors @ structure.frame.T`"
            )
    return None


def turned(structure: Structure, matrix: np.ndarray) -> Structure:
    """Return the structure turned by a signed permutation of the axes, its box with it.

    The frame of a load stays: the group consists of what leaves the load unchanged.
    """
    box = np.abs(matrix) @ structure.box
    return replace(
        _with_positions(structure, lambda positions: (positions @ matrix.T) % box), box=box
    )


def _check_matrices(subject: Subject, claim: str, wanted: Callable) -> str | None:
    from ..training.augmentation import symmetry_matrices

    if claim not in subject.claims:
        return None
    dimension = subject.structure.positions.shape[1]
    matrices = symmetry_matrices(subject.task.symmetry, dimension).astype(float)
    others = [m for m in matrices if wanted(m) and not np.array_equal(m, np.eye(dimension))]
    for matrix in np.random.default_rng(4).permutation(others)[:MATRICES]:
        difference = _difference(subject, turned(subject.structure, matrix))
        if difference:
            rows = matrix.astype(int).tolist()
            return (
                f"turned by {rows}, {difference}: use lengths and angles alone, or take "
                f'"{claim}" out of the claims in model.toml'
            )
    return None


def _difference(subject: Subject, structure: Structure) -> str | None:
    answer: Predictions = subject.predict(subject.fitted, [structure])[0]
    return subject.difference(subject.reference, answer)


def _with_positions(structure: Structure, change: Callable) -> Structure:
    """Return the structure with every set of positions changed alike."""
    present = {name: getattr(structure, name) for name in POSITIONS}
    return replace(
        structure, **{name: change(array) for name, array in present.items() if array is not None}
    )


def _permuted(structure: Structure, order: np.ndarray) -> tuple[Structure, np.ndarray]:
    """Return the structure with particles in another order, and the new order of its pairs."""
    new_index = np.empty_like(order)
    new_index[order] = np.arange(len(order))
    pairs, pair_order = None, np.empty(0, dtype=np.int64)
    if structure.pairs is not None:
        renumbered = np.sort(new_index[structure.pairs], axis=1)
        pair_order = np.lexsort((renumbered[:, 0], renumbered[:, 1]))
        pairs = renumbered[pair_order]
    permuted = _with_positions(structure, lambda positions: positions[order])
    dynamics = structure.dynamics
    if dynamics is not None:
        dynamics = {name: values[order] for name, values in dynamics.items()}
    permuted = replace(permuted, species=structure.species[order], pairs=pairs, dynamics=dynamics)
    return permuted, pair_order
