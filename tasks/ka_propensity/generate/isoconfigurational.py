"""Averages over an isoconfigurational ensemble: many trajectories from one configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from glassbench.contract.errors import DatasetError
from glassbench.datasets.pairs import (
    CLOSE_PAIR_CUTOFF,
    PAIR_CUTOFF,
    close_pair_index,
    pair_distances,
    undirected_pairs,
)


@dataclass(frozen=True)
class Observable:
    """What is measured of every particle: from absolute positions (N, d) one (N,) a name."""

    names: tuple[str, ...]
    measure: Callable[[np.ndarray], Sequence[np.ndarray]]


@dataclass(frozen=True)
class IsoconfigurationalAverages:
    """What is kept of the trajectories at one time; lengths in the unit of the positions.

    The averages over the first and the second half of the trajectories are
    `mean + half_difference` and `mean - half_difference`; the root mean square of
    `half_difference` is the standard error of the mean. By name, `propensity` and every
    observable (N,) and `pair_distance_change` (P,), float64.
    """

    trajectories: int
    mean: Mapping[str, np.ndarray]
    half_difference: Mapping[str, np.ndarray]


def average_trajectories(
    initial_positions: np.ndarray,
    trajectories: Sequence[np.ndarray],
    box: np.ndarray,
    pairs: np.ndarray | None = None,
    *,
    observables: Sequence[Observable] = (),
) -> IsoconfigurationalAverages:
    """Average displacement and pair-distance change over trajectories at one time.

        S_i = < |r_i(t) - r_i(0)| >,    E_ij = < r_ij(t) - r_ij(0) >

    The displacement is the plain difference of absolute coordinates; the pair
    distance takes the minimum image at both times.

    Parameters
    ----------
    initial_positions : (N, d)
    trajectories : R arrays (N, d) of absolute (unwrapped) coordinates, in order; R is even
    box : (d,) edges of the orthorhombic periodic box
    pairs : (P, 2) int, optional
    observables : what else is averaged

    Source: Shiba et al., J. Chem. Phys. 158, 084503 (2023), Eq. 10 and 11.
    """
    count = len(trajectories)
    if count < 2 or count % 2:
        raise DatasetError(
            f"{count} trajectories cannot be halved: an even number, 2 at least, is needed"
        )
    start = np.asarray(initial_positions, dtype=np.float64)
    measured = (*_displacements(start, np.asarray(box, dtype=np.float64), pairs), *observables)
    sums: tuple[dict[str, np.ndarray], dict[str, np.ndarray]] = ({}, {})
    for number, trajectory in enumerate(trajectories):
        later = np.asarray(trajectory, dtype=np.float64)
        if later.shape != start.shape:
            raise DatasetError(
                f"trajectory {number} has the shape {later.shape}, the configuration {start.shape}"
            )
        half = sums[2 * number // count]
        for observable in measured:
            for name, values in zip(observable.names, observable.measure(later), strict=True):
                half[name] = half.get(name, 0.0) + values
    first, second = sums
    return IsoconfigurationalAverages(
        trajectories=count,
        mean={name: (first[name] + second[name]) / count for name in first},
        half_difference={name: (first[name] - second[name]) / count for name in first},
    )


def _displacements(
    start: np.ndarray, box: np.ndarray, pairs: np.ndarray | None
) -> tuple[Observable, Observable]:
    pairs = np.empty((0, 2), dtype=np.int32) if pairs is None else np.asarray(pairs)
    distances = pair_distances(start, pairs, box)
    return (
        Observable(("propensity",), lambda later: [np.linalg.norm(later - start, axis=1)]),
        Observable(
            ("pair_distance_change",),
            lambda later: [pair_distances(later, pairs, box) - distances],
        ),
    )


def ensemble_arrays(
    positions: np.ndarray,
    species: np.ndarray,
    box: np.ndarray,
    ensembles: Iterable[tuple[int, Sequence[np.ndarray]]],
    times: int,
    *,
    pair_cutoff: float | None = PAIR_CUTOFF,
    close_pair_cutoff: float = CLOSE_PAIR_CUTOFF,
    close_pair_halves: bool = True,
    observables: Sequence[Observable] = (),
) -> dict[str, np.ndarray]:
    """Return the arrays of one configuration as a store takes them.

    Parameters
    ----------
    positions : (N, d); species : (N,), 0 for A; box : (d,)
    ensembles : for each time that is there, its index and its R trajectories (N, d)
    times : number of times of the state; those that are not in `ensembles` read NaN
    pair_cutoff : pairs with r_ij(0) below it are kept; None for no pairs
    close_pair_halves : whether to keep halves for A-A pairs below `close_pair_cutoff`
    """
    box = np.asarray(box, dtype=np.float64)
    pairs, close = np.empty((0, 2), dtype=np.int32), np.empty(0, dtype=np.int32)
    if pair_cutoff is not None:
        pairs = undirected_pairs(positions, box, pair_cutoff)
        if close_pair_halves:
            distances = pair_distances(np.asarray(positions, dtype=np.float64), pairs, box)
            close = close_pair_index(pairs, distances, species, close_pair_cutoff)
    names = ("propensity", *(name for one in observables for name in one.names))
    arrays = {
        "positions": positions,
        "species": species,
        "box": box,
        "trajectory_count": np.zeros(times, dtype=np.int32),
    }
    for name in names:
        for variable in (name, f"{name}_half_difference"):
            arrays[variable] = np.full((times, len(positions)), np.nan)
    if pair_cutoff is not None:
        arrays |= {
            "pairs": pairs,
            "pair_distance_change": np.full((times, len(pairs)), np.nan),
            "close_pair_index": close,
            "pair_distance_change_half_difference": np.full((times, len(close)), np.nan),
        }
    for time, trajectories in ensembles:
        averages = average_trajectories(
            positions, trajectories, box, pairs, observables=observables
        )
        arrays["trajectory_count"][time] = averages.trajectories
        for name in names:
            arrays[name][time] = averages.mean[name]
            arrays[f"{name}_half_difference"][time] = averages.half_difference[name]
        if pair_cutoff is not None:
            half = averages.half_difference["pair_distance_change"]
            arrays["pair_distance_change"][time] = averages.mean["pair_distance_change"]
            arrays["pair_distance_change_half_difference"][time] = half[close]
    return arrays
