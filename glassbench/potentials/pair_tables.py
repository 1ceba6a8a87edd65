"""Checks that potentials share: tables by species, and lists of pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def check_tables(epsilon: Sequence[Sequence[float]], sigma: Sequence[Sequence[float]]) -> None:
    """Check energies and lengths (S, S) of the pairs of species."""
    energies, lengths = np.array(epsilon, float), np.array(sigma, float)
    for name, table in (("epsilon", energies), ("sigma", lengths)):
        square = table.ndim == 2 and len(table) and table.shape[0] == table.shape[1]
        if not (square and np.isfinite(table).all() and (table == table.T).all()):
            raise ValueError(f"{name} {table.tolist()} must be a finite symmetric table")
    if energies.shape != lengths.shape:
        raise ValueError(f"epsilon is {energies.shape} and sigma {lengths.shape}: give one size")
    if not (lengths > 0).all():
        raise ValueError(f"sigma {lengths.tolist()} must be above 0")


def checked_distances(distances: ArrayLike) -> NDArray[np.float64]:
    """Return the distances (P,) of pairs as float64."""
    checked = np.asarray(distances, dtype=np.float64)
    if not (checked > 0).all():
        pair = int(np.argmin(checked > 0))
        raise ValueError(
            f"distance of pair {pair} is {checked[pair]}: the energy is defined above 0 only"
        )
    return checked


def check_pairs(
    first: NDArray[np.integer], second: NDArray[np.integer], vectors: NDArray[np.float64]
) -> None:
    """Check that indices (P,) and (P,) and vectors (P, d) describe the same pairs, each once."""
    if not (first.shape == second.shape == vectors.shape[:1]) or vectors.ndim != 2:
        raise ValueError(
            f"first {first.shape}, second {second.shape} and vectors {vectors.shape} "
            "must describe the same pairs: (P,), (P,), (P, d)"
        )
    if not (first < second).all():
        pair = int(np.argmin(first < second))
        raise ValueError(
            f"pair {pair} goes from {first[pair]} to {second[pair]}: give each pair once, "
            "from the lower to the higher index"
        )
