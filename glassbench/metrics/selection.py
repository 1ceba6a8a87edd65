"""Which particles and which pairs a metric counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .specification import SELECTIONS, MetricSpecification


def select_particles(
    specification: MetricSpecification, species: ArrayLike, balanced: ArrayLike | None = None
) -> NDArray[np.bool_]:
    """Return which particles the metric counts: mask (N,).

    Parameters
    ----------
    specification : a metric on particles
    species : array (N,) of integers, 0 for A, 1 for B
    balanced : array (M,), indices of the balanced set; needed where the metric counts it
    """
    if specification.on_pairs:
        raise ValueError(f"metric {specification.name} counts pairs: use select_pairs")
    species = _species(species)
    if specification.particles == "balanced":
        if balanced is None:
            raise ValueError(
                f"metric {specification.name} counts the balanced set of a label: give its indices"
            )
        mask = np.zeros(species.shape, bool)
        mask[np.asarray(balanced, dtype=np.int64)] = True
        return mask
    assert specification.particles is not None, "a metric that is not on pairs is on particles"
    admitted = SELECTIONS[specification.particles]
    return np.ones(species.shape, bool) if admitted is None else species == admitted


def select_pairs(
    specification: MetricSpecification,
    species: ArrayLike,
    pairs: ArrayLike,
    distances: ArrayLike | None = None,
) -> NDArray[np.bool_]:
    """Return which pairs the metric counts: mask (P,).

    A pair counts if both its particles are of the species and it lies closer
    than the specification's `max_distance`, where it has one.

    Parameters
    ----------
    specification : a metric on pairs
    species : array (N,) of integers
    pairs : array (P, 2), indices of particles
    distances : array (P,), length unit of the system, at time zero; needed with `max_distance`
    """
    if not specification.on_pairs:
        raise ValueError(f"metric {specification.name} counts particles: use select_particles")
    species, pairs = _species(species), np.asarray(pairs, dtype=np.int64)
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ValueError(f"pairs have the shape {pairs.shape}: give (P, 2) indices of particles")
    if pairs.size and (pairs.min() < 0 or pairs.max() >= len(species)):
        raise ValueError(
            f"pairs name particles from {pairs.min()} to {pairs.max()}, the structure has those "
            f"from 0 to {len(species) - 1}"
        )
    assert specification.pairs is not None, "checked above"
    admitted = SELECTIONS[specification.pairs]
    mask = np.ones(len(pairs), bool)
    if admitted is not None:
        mask &= (species[pairs] == admitted).all(axis=1)
    if specification.max_distance is None:
        return mask
    if distances is None:
        raise ValueError(
            f"metric {specification.name} counts pairs below {specification.max_distance}: "
            "give their distances"
        )
    distances = np.asarray(distances, dtype=np.float64)
    if distances.shape != mask.shape or not np.isfinite(distances).all():
        raise ValueError(
            f"distances have the shape {distances.shape} and "
            f"{int((~np.isfinite(distances)).sum())} values that are not finite: "
            f"give one for each of {len(pairs)} pairs"
        )
    return mask & (distances < specification.max_distance)


def _species(species: ArrayLike) -> NDArray:
    species = np.asarray(species)
    if species.ndim != 1:
        raise ValueError(f"species have the shape {species.shape}: give one for each particle")
    return species
