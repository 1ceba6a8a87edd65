"""Small glassy structures, with targets that follow from the structure by a known rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..model import Condition, Example, Structure
from ..structure import neighbour_pairs
from ..task import Task

DENSITY = 1.2
PAIR_CUTOFF = 2.0
FRACTION_OF_B = {2: 0.35, 3: 0.2}
DIAMETERS = np.array([[1.05, 0.9], [0.9, 0.88]])
VIBRATION = 0.05


@dataclass(frozen=True)
class Examples:
    """What a model is checked on; `test` is for prediction alone."""

    train: tuple[Example, ...]
    valid: tuple[Example, ...]
    test: tuple[Example, ...]


def make_examples(
    task: Task, reads: Sequence[str] = ("thermal",), particles: int | None = None, seed: int = 0
) -> Examples:
    """Return two training, one validation and two test examples for a task.

    Parameters
    ----------
    reads : tiers of input that the structures carry
    particles : number of particles of each structure; 1215 unless given (a box edge of
        10.04 in three dimensions), 400 in two dimensions

    Raises
    ------
    ValueError
        If the tier `dynamics` is asked for, which has no fixed names.
    """
    if "dynamics" in reads:
        raise ValueError(
            "structures of the conformance test carry no short-time dynamics: give examples of "
            "your own to check_model"
        )
    dimension = 2 if task.symmetry in ("square", "shear_2d") else 3
    particles = particles or {2: 400, 3: 1215}[dimension]
    condition = Condition.of(**{axis.name: 1.0 for axis in task.axes})
    with_frame = task.symmetry.startswith("shear")
    examples = []
    for number in range(5):
        structure = glassy_structure(
            particles, dimension, seed=10 * seed + number, reads=reads, with_frame=with_frame
        )
        examples.append(Example(structure, condition, _targets(task, structure)))
    return Examples(tuple(examples[:2]), (examples[2],), tuple(examples[3:]))


def glassy_structure(
    particles: int,
    dimension: int = 3,
    seed: int = 0,
    reads: Sequence[str] = ("thermal",),
    with_frame: bool = False,
) -> Structure:
    """Return a dense disordered binary mixture with the short-range order of a glass.

    Random points at number density 1.2 are relaxed under harmonic repulsion
    V = (1 - r / sigma_ab)^2 / 2 of overlapping particles, then shaken by a normal
    displacement of 0.05 along each axis.

    Parameters
    ----------
    particles : N
    dimension : 2 or 3
    with_frame : give the identity as the frame of a shear

    Raises
    ------
    ValueError
        If the box edge falls below twice the range of the pairs, 4.0.
    """
    generator = np.random.default_rng([seed, particles, dimension])
    box = np.full(dimension, (particles / DENSITY) ** (1 / dimension))
    species = np.zeros(particles, dtype=np.int8)
    number_of_b = round(FRACTION_OF_B[dimension] * particles)
    species[generator.permutation(particles)[:number_of_b]] = 1
    inherent = _relaxed(generator.random((particles, dimension)) * box, species, box)
    shaken = inherent + VIBRATION * generator.standard_normal(inherent.shape)
    cage = inherent + VIBRATION / 5 * generator.standard_normal(inherent.shape)
    pairs = neighbour_pairs(shaken, box, PAIR_CUTOFF).undirected()
    return Structure(
        positions=shaken % box,
        species=species,
        box=box,
        configuration=f"conformance-{seed}",
        frame=np.eye(dimension) if with_frame else None,
        pairs=np.stack([pairs.senders, pairs.receivers], axis=1).astype(np.int64),
        inherent_positions=inherent % box if "inherent" in reads else None,
        cage_positions=cage % box if "cage" in reads else None,
    )


def _relaxed(positions: np.ndarray, species: np.ndarray, box: np.ndarray, steps: int = 60):
    """Push overlapping particles apart by steepest descent, at most 0.1 a step."""
    for _ in range(steps):
        pairs = neighbour_pairs(positions, box, float(DIAMETERS.max())).undirected()
        diameter = DIAMETERS[species[pairs.senders], species[pairs.receivers]]
        overlap = np.maximum(1 - pairs.distances / diameter, 0) / diameter
        push = pairs.vectors * (overlap / np.maximum(pairs.distances, 1e-9))[:, None]
        step = np.zeros_like(positions)
        for axis, component in enumerate(push.T):
            step[:, axis] += np.bincount(pairs.receivers, component, len(positions))
            step[:, axis] -= np.bincount(pairs.senders, component, len(positions))
        step *= 0.3
        length = np.linalg.norm(step, axis=1, keepdims=True)
        step *= np.minimum(1, 0.1 / np.maximum(length, 1e-12))
        positions = (positions + step) % box
    return positions


def _targets(task: Task, structure: Structure) -> Mapping[str, np.ndarray]:
    """Return every target of the task from crowding: smooth, and unchanged by any symmetry.

    c_i = sum_j exp(-r_ij^2), standardised; particle targets 0.3 - 0.1 tanh(c_i) + 0.1 s_i,
    pair targets (c_i + c_j) (1.5 - r_ij) / 20
    """
    crowding, distances = _crowding(structure)
    first, second = structure.pairs.T
    values = {
        "particle": 0.3 - 0.1 * np.tanh(crowding) + 0.1 * structure.species,
        "pair": (crowding[first] + crowding[second]) * (1.5 - distances) / 20,
    }
    return {name: values[target.per].copy() for name, target in task.targets.items()}


def _crowding(structure: Structure) -> tuple[np.ndarray, np.ndarray]:
    first, second = structure.pairs.T
    vectors = structure.positions[second] - structure.positions[first]
    vectors -= structure.box * np.round(vectors / structure.box)
    distances = np.linalg.norm(vectors, axis=1)
    weights = np.exp(-(distances**2))
    count = len(structure.positions)
    crowding = np.bincount(first, weights, count) + np.bincount(second, weights, count)
    return (crowding - crowding.mean()) / crowding.std(), distances
