"""Averages over an isoconfigurational ensemble: many trajectories from one configuration."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..structure.neighbour_relative import NeighbourRelative
from .errors import DatasetError
from .layout import NEIGHBOUR_RELATIVE
from .pairs import (
    CLOSE_PAIR_CUTOFF,
    PAIR_CUTOFF,
    close_pair_index,
    pair_distances,
    undirected_pairs,
)


@dataclass(frozen=True)
class IsoconfigurationalAverages:
    """What is kept of the trajectories at one time; all in the unit of the positions.

    The averages over the first and the second half of the trajectories are
    `mean + half_difference` and `mean - half_difference`; the root mean square of
    `half_difference` is the standard error of the mean.

    Attributes
    ----------
    propensity, propensity_half_difference : (N,) float64
    relative_displacement, non_affine_displacement : (N,) float64, with their half
        differences, where the neighbours were given; else None
    pair_distance_change, pair_distance_change_half_difference : (P,) float64
    """

    trajectories: int
    propensity: np.ndarray
    propensity_half_difference: np.ndarray
    pair_distance_change: np.ndarray
    pair_distance_change_half_difference: np.ndarray
    relative_displacement: np.ndarray | None = None
    relative_displacement_half_difference: np.ndarray | None = None
    non_affine_displacement: np.ndarray | None = None
    non_affine_displacement_half_difference: np.ndarray | None = None


def average_trajectories(
    initial_positions: np.ndarray,
    trajectories: Iterable[np.ndarray],
    box: np.ndarray,
    pairs: np.ndarray | None = None,
    *,
    count: int | None = None,
    neighbours: NeighbourRelative | None = None,
) -> IsoconfigurationalAverages:
    """Average displacement and pair-distance change over trajectories at one time.

        S_i = < |r_i(t) - r_i(0)| >,    E_ij = < r_ij(t) - r_ij(0) >

    The displacement is the plain difference of absolute coordinates; the pair
    distance takes the minimum image at both times. One trajectory is held in
    memory at a time.

    Parameters
    ----------
    initial_positions : (N, d)
    trajectories : R arrays (N, d) of absolute (unwrapped) coordinates, in order
    box : (d,) edges of the orthorhombic periodic box
    pairs : (P, 2) int, optional
    count : R, where `trajectories` has no length
    neighbours : of the initial configuration, for R_i and D_i of each trajectory

    Raises
    ------
    DatasetError
        If R is odd, or fewer or more trajectories come than `count`.

    Source: Shiba et al., J. Chem. Phys. 158, 084503 (2023), Eq. 10 and 11.
    """
    expected = len(trajectories) if count is None else count  # type: ignore[arg-type]
    if expected < 2 or expected % 2:
        raise DatasetError(
            f"{expected} trajectories cannot be halved: an even number, 2 at least, is needed"
        )
    start = np.asarray(initial_positions, dtype=np.float64)
    box = np.asarray(box, dtype=np.float64)
    pairs = np.empty((0, 2), dtype=np.int32) if pairs is None else np.asarray(pairs)
    distances = pair_distances(start, pairs, box)
    displacement = np.zeros((2, len(start)))
    change = np.zeros((2, len(pairs)))
    relative = np.zeros((2, len(start), 2))
    seen = 0
    for trajectory in trajectories:
        if seen == expected:
            raise DatasetError(f"more than the {expected} trajectories that were announced")
        later = np.asarray(trajectory, dtype=np.float64)
        if later.shape != start.shape:
            raise DatasetError(
                f"trajectory {seen} has the shape {later.shape}, the configuration {start.shape}"
            )
        half = 2 * seen // expected
        displacement[half] += np.linalg.norm(later - start, axis=1)
        if len(pairs):
            change[half] += pair_distances(later, pairs, box) - distances
        if neighbours is not None:
            relative[half] += np.stack(neighbours(later - start), axis=1)
        seen += 1
    if seen < expected:
        raise DatasetError(f"{seen} trajectories came, {expected} were announced")
    return IsoconfigurationalAverages(
        trajectories=expected,
        propensity=displacement.sum(axis=0) / expected,
        propensity_half_difference=(displacement[0] - displacement[1]) / expected,
        pair_distance_change=change.sum(axis=0) / expected,
        pair_distance_change_half_difference=(change[0] - change[1]) / expected,
        **({} if neighbours is None else _neighbour_relative(relative / expected)),
    )


def _neighbour_relative(halves: np.ndarray) -> dict[str, np.ndarray]:
    """Return means and half differences from the halves (2, N, 2) of R_i and D_i."""
    mean, difference = halves[0] + halves[1], halves[0] - halves[1]
    return {
        name: values[:, column]
        for column, quantity in enumerate(NEIGHBOUR_RELATIVE)
        for name, values in ((quantity, mean), (f"{quantity}_half_difference", difference))
    }


def ensemble_arrays(
    positions: np.ndarray,
    species: np.ndarray,
    box: np.ndarray,
    ensembles: Iterable[tuple[int, Iterable[np.ndarray]]],
    times: int,
    *,
    pair_cutoff: float | None = PAIR_CUTOFF,
    close_pair_cutoff: float = CLOSE_PAIR_CUTOFF,
    close_pair_halves: bool = True,
    neighbour_relative: bool = False,
) -> dict[str, np.ndarray]:
    """Return the arrays of one configuration as a store takes them.

    Parameters
    ----------
    positions : (N, d); species : (N,), 0 for A; box : (d,)
    ensembles : for each time that is there, its index and its R trajectories (N, d)
    times : number of times of the state; those that are not in `ensembles` read NaN
    pair_cutoff : pairs with r_ij(0) below it are kept; None for no pairs
    close_pair_halves : whether to keep halves for A-A pairs below `close_pair_cutoff`
    neighbour_relative : whether to average R_i and D_i too, see `NeighbourRelative`

    Returns
    -------
    dict for `write_configuration`, averages in float64
    """
    box = np.asarray(box, dtype=np.float64)
    pairs, close = np.empty((0, 2), dtype=np.int32), np.empty(0, dtype=np.int32)
    if pair_cutoff is not None:
        pairs = undirected_pairs(positions, box, pair_cutoff)
        if close_pair_halves:
            distances = pair_distances(np.asarray(positions, dtype=np.float64), pairs, box)
            close = close_pair_index(pairs, distances, species, close_pair_cutoff)
    arrays = {
        "positions": positions,
        "species": species,
        "box": box,
        "propensity": np.full((times, len(positions)), np.nan),
        "propensity_half_difference": np.full((times, len(positions)), np.nan),
        "trajectory_count": np.zeros(times, dtype=np.int32),
    }
    if pair_cutoff is not None:
        arrays |= {
            "pairs": pairs,
            "pair_distance_change": np.full((times, len(pairs)), np.nan),
            "close_pair_index": close,
            "pair_distance_change_half_difference": np.full((times, len(close)), np.nan),
        }
    neighbours = None
    if neighbour_relative:
        neighbours = NeighbourRelative(positions, box)
        for quantity in NEIGHBOUR_RELATIVE:
            for name in (quantity, f"{quantity}_half_difference"):
                arrays[name] = np.full((times, len(positions)), np.nan)
    for time, trajectories in ensembles:
        averages = average_trajectories(positions, trajectories, box, pairs, neighbours=neighbours)
        if neighbours is not None:
            for quantity in NEIGHBOUR_RELATIVE:
                for name in (quantity, f"{quantity}_half_difference"):
                    arrays[name][time] = getattr(averages, name)
        arrays["propensity"][time] = averages.propensity
        arrays["propensity_half_difference"][time] = averages.propensity_half_difference
        arrays["trajectory_count"][time] = averages.trajectories
        if pair_cutoff is not None:
            half = averages.pair_distance_change_half_difference
            arrays["pair_distance_change"][time] = averages.pair_distance_change
            arrays["pair_distance_change_half_difference"][time] = half[close]
    return arrays
