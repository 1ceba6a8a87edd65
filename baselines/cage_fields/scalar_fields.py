"""Scalars of each particle, and their averages over what surrounds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from glassbench.model import Structure
from glassbench.potentials import KOB_ANDERSEN, forces, particle_energies
from glassbench.structure import minimum_image, neighbour_pairs


def displacement_fields(structure: Structure, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the displacements (N, 3) from the thermal to those of the named positions it has."""
    present = {name: getattr(structure, name) for name in names}
    return {
        name: minimum_image(positions - structure.positions, structure.box)
        for name, positions in present.items()
        if positions is not None
    }


def scalar_fields(
    structure: Structure, moved: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return scalars (N, F) of particles, which of them are energies, and thermal forces (N, 3).

    At the thermal and at every other position: the particle's energy, the trace of its own block
    of the Hessian and the size of the force, which vanishes at the inherent one; and the
    distances of the other positions from the thermal and from the inherent one. `moved` are
    the `displacement_fields`.
    """
    thermal = _energy_stiffness_force(np.zeros_like(structure.positions), structure)
    others = {name: _energy_stiffness_force(field, structure) for name, field in moved.items()}
    energies, stiffnesses, pulls = zip(thermal, *others.values(), strict=True)
    cages = [name for name in moved if name != "inherent_positions"]
    vectors = [thermal[2], *(others[name][2] for name in cages), *moved.values()]
    vectors += [moved[name] - moved["inherent_positions"] for name in cages]
    sizes = [np.linalg.norm(vector, axis=1) for vector in vectors]
    columns = np.stack([*energies, *stiffnesses, *sizes], axis=1)
    return columns, np.arange(1, len(energies)), pulls[0]


def _energy_stiffness_force(displacement: np.ndarray, structure: Structure):
    """Return energy (N,), stiffness (N,) and force (N, 3) of particles that were displaced."""
    potential, species = KOB_ANDERSEN, structure.species
    positions = structure.positions + displacement
    pairs = neighbour_pairs(positions, structure.box, potential.largest_cutoff).undirected()
    of_pairs = (species, pairs.senders, pairs.receivers, pairs.vectors)
    kinds = species[pairs.senders], species[pairs.receivers]
    _, slope = potential.energy_and_slope(pairs.distances, *kinds)
    trace = potential.curvature(pairs.distances, *kinds) + 2 * slope / pairs.distances
    stiffness = sum(
        np.bincount(ends, trace, len(species)) for ends in (pairs.senders, pairs.receivers)
    )
    return particle_energies(potential, *of_pairs), stiffness, forces(potential, *of_pairs)
