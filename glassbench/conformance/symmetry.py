"""Checks of the laws of physics: what leaves the structure as it is leaves predictions alone.

They need the answers of one fitted model alone, whoever asks it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..model import Structure
from ..structure.symmetry_groups import symmetry_matrices
from .structures import with_positions
from .subject import Subject

MATRICES = 3
Wanted = Callable[[np.ndarray], bool]


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
