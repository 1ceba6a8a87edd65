"""Small glassy structures, with targets that follow from the structure by a known rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np

from ..contract.task import DYNAMICS, Task
from ..datasets.labels import balanced_set, draw_negatives
from ..datasets.pairs import pair_distances
from ..model import OTHER_POSITIONS, Condition, Example, Structure, as_read, with_positions
from ..structure import neighbour_pairs

DENSITY = 1.2
PAIR_CUTOFF = 2.0
FRACTION_OF_B = {2: 0.35, 3: 0.2}
DIAMETERS = np.array([[1.05, 0.9], [0.9, 0.88]])
VIBRATION = 0.05
ANGSTROM = 2.8


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

    Each structure has 1215 particles (a box edge of 10.04 in three dimensions), 400 in two
    dimensions, unless given. Under load, it has a frame of its own; that of the first test
    structure is the identity.
    """
    dimension = 2 if task.symmetry in ("square", "shear_2d") else 3
    particles = particles or {2: 400, 3: 1215}[dimension]
    condition = Condition.of(**{a.name: a.default[0] if a.default else 1.0 for a in task.axes})
    with_pairs = any(target.per == "pair" for target in task.targets.values())
    examples = []
    for number in range(5):
        structure = glassy_structure(particles, dimension, 10 * seed + number, reads, with_pairs)
        if task.symmetry.startswith("shear"):
            structure = replace(structure, frame=_frame(dimension, (number - 3) % 5))
        length = _length_of(task)
        box = length * structure.box
        structure = with_positions(structure, partial(np.multiply, length), box=box)
        targets = _targets(task, structure)
        balanced = None
        if task.targets[task.target].label_of:
            positive = targets[task.target] > 0
            balanced = balanced_set(positive, draw_negatives(positive, number))
        examples.append(Example(structure, condition, targets, balanced))
    return Examples(tuple(examples[:2]), (examples[2],), tuple(examples[3:]))


def glassy_structure(
    particles: int,
    dimension: int = 3,
    seed: int = 0,
    reads: Sequence[str] = ("thermal",),
    with_pairs: bool = True,
) -> Structure:
    """Return a dense disordered binary mixture with the short-range order of a glass.

    Random points at number density 1.2 are relaxed under harmonic repulsion
    V = (1 - r / sigma_ab)^2 / 2 of overlapping particles, then shaken by a normal
    displacement of 0.05 along each axis. Pairs closer than 2.0 are listed; the box edge must
    be at least 4.0.
    """
    glass = _whole_glass(particles, dimension, seed)
    absent = [name for name, tier in OTHER_POSITIONS.items() if tier not in reads]
    absent += [] if with_pairs else ["pairs"]
    absent += [] if "dynamics" in reads else ["dynamics"]
    nothing: dict[str, Any] = dict.fromkeys(absent)
    return as_read(replace(glass, **nothing), reads)


@lru_cache(maxsize=64)
def _whole_glass(particles: int, dimension: int, seed: int) -> Structure:
    """Return the structure with all that any tier of input adds."""
    generator = np.random.default_rng([seed, particles, dimension])
    box = np.full(dimension, (particles / DENSITY) ** (1 / dimension))
    species = np.zeros(particles, dtype=np.int8)
    number_of_b = round(FRACTION_OF_B[dimension] * particles)
    species[generator.permutation(particles)[:number_of_b]] = 1
    inherent = _relaxed(generator.random((particles, dimension)) * box, species, box)
    shaken = inherent + VIBRATION * generator.standard_normal(inherent.shape)
    others = {
        name: inherent
        + (tier == "cage") * VIBRATION / 5 * generator.standard_normal((particles, dimension))
        for name, tier in OTHER_POSITIONS.items()
    }
    pairs = neighbour_pairs(shaken, box, PAIR_CUTOFF).undirected()
    dynamics = {name: generator.gamma(4.0, VIBRATION**2, particles) for name in DYNAMICS}
    return Structure(
        positions=shaken % box,
        species=species,
        box=box,
        configuration=f"conformance-{seed}",
        pairs=np.stack([pairs.senders, pairs.receivers], axis=1).astype(np.int64),
        **{name: positions % box for name, positions in others.items()},
        dynamics=dynamics,
    )


def _frame(dimension: int, number: int) -> np.ndarray:
    """Return the identity turned by 45 degrees so many times, about axes in turn."""
    frame, half = np.eye(dimension), np.sqrt(0.5)
    for turn in range(number):
        first, second = (0, 1) if dimension == 2 else (turn % 3, (turn + 1) % 3)
        rotation = np.eye(dimension)
        rotation[[first, second], [first, second]] = half
        rotation[first, second], rotation[second, first] = half, -half
        frame = rotation @ frame
    return frame


def _length_of(task: Task) -> float:
    """Return the length of what is one in reduced units, so that a metal has its density."""
    return ANGSTROM if any("Angstrom" in t.unit for t in task.targets.values()) else 1.0


def _relaxed(
    positions: np.ndarray, species: np.ndarray, box: np.ndarray, steps: int = 60
) -> np.ndarray:
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
    labels where that is in its upper fifth, pair targets (c_i + c_j) (1.5 - r_ij) / 20
    """
    length = _length_of(task)
    pairs = neighbour_pairs(structure.positions, structure.box, PAIR_CUTOFF * length)
    weights = np.exp(-((pairs.distances / length) ** 2))
    crowding = np.bincount(pairs.receivers, weights, len(structure.positions))
    crowding = (crowding - crowding.mean()) / crowding.std()
    particle = 0.3 - 0.1 * np.tanh(crowding) + 0.1 * structure.species
    targets = {}
    for name, target in task.targets.items():
        if target.per == "pair":
            assert structure.pairs is not None, "a target on pairs comes with pairs"
            first, second = structure.pairs.T
            distances = pair_distances(structure.positions, structure.pairs, structure.box) / length
            targets[name] = (crowding[first] + crowding[second]) * (1.5 - distances) / 20
        elif target.label_of:
            targets[name] = (particle > np.quantile(particle, 0.8)).astype(np.float32)
        else:
            targets[name] = particle.copy()
    return targets
