"""What surrounds both ends of a pair, seen along the line between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassbench.model import Structure
from glassbench.structure import minimum_image, neighbour_pairs, shell_averages

SPECIES_COUNT = 2


def pair_descriptors(
    structure: Structure, radii: Sequence[float], shell_cutoff: float, rounds: int, degree: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return descriptors (P, F) float32 and distances (P,) of `structure.pairs`.

    With n the unit vector from i to j, h_k the hat function about radius r_k, and

        g_i(s, k) = sum over neighbours m of species s of h_k(r_im)
        v_i(s, k) = sum over neighbours m of species s of h_k(r_im) r_im / |r_im|

    a pair has the powers 1 to `degree` of its distance, g_i + g_j and (v_j - v_i) . n for every
    s and k, and the same for g and v averaged `rounds` times over neighbours. All are unchanged
    where i and j change places.

    Parameters
    ----------
    radii : (R,) increasing; a neighbour at the last one and beyond counts nothing
    shell_cutoff, rounds : of the averages, see `shell_averages`
    """
    first, second = structure.pairs.T
    positions = structure.positions.astype(np.float64)
    vectors = minimum_image(positions[second] - positions[first], structure.box)
    distances = np.linalg.norm(vectors, axis=1)
    directions = vectors / distances[:, None]
    fields = _shells(structure, np.asarray(radii, dtype=np.float64))
    particles, shells, components = fields.shape
    flat = fields.reshape(particles, -1).astype(np.float32)
    found = [np.vander(distances, degree + 1, increasing=True)[:, 1:].astype(np.float32)]
    for generation in shell_averages(flat, positions, structure.box, shell_cutoff, rounds):
        scalars, pulls = np.split(generation.reshape(particles, shells, components), [1], axis=2)
        found.append((scalars[first] + scalars[second])[..., 0])
        found.append(np.einsum("pka,pa->pk", pulls[second] - pulls[first], directions))
    return np.concatenate(found, axis=1, dtype=np.float32), distances


def _shells(structure: Structure, radii: np.ndarray) -> np.ndarray:
    """Return g and the components of v of every particle: (N, species x shells, 1 + d)."""
    edges = neighbour_pairs(structure.positions, structure.box, float(radii[-1]))
    particles, shells = edges.particles, len(radii) - 1
    # A hat is linear between radii: each neighbour counts in the two shells around it, and
    # below the first radius in the first one alone.
    place = np.interp(edges.distances, radii, np.arange(shells + 1))
    lower = np.minimum(place.astype(np.int64), shells - 1)
    upper_share = place - lower
    away = -edges.vectors / edges.distances[:, None]
    row = edges.receivers.astype(np.int64) * SPECIES_COUNT + structure.species[edges.senders]
    fields = np.zeros((particles * SPECIES_COUNT * (shells + 1), 1 + away.shape[1]))
    for shell, share in ((lower, 1 - upper_share), (lower + 1, upper_share)):
        cell = row * (shells + 1) + shell
        for component, values in enumerate((np.ones(len(edges)), *away.T)):
            fields[:, component] += np.bincount(cell, share * values, len(fields))
    by_shell = fields.reshape(particles, SPECIES_COUNT, shells + 1, -1)[:, :, :shells]
    return by_shell.reshape(particles, SPECIES_COUNT * shells, -1)
