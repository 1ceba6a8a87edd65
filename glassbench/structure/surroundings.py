"""Vectors to all particles in a square or a cube around some particles, in a turned frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .periodic_box import checked_positions, checked_species, minimum_image, wrap

FAR = 1e6


def padded_surroundings(
    positions: np.ndarray,
    species: np.ndarray,
    box: np.ndarray,
    reach: float,
    *,
    centres: Sequence[int] | np.ndarray | None = None,
    frame: np.ndarray | None = None,
    species_count: int = 2,
) -> np.ndarray:
    """Return the vectors from each centre to the particles around it, by species.

    The surroundings are the square or cube |x|, |y|, |z| < reach along the axes of the
    frame, the centre itself included. Particles are found in the original box and their
    vectors are then turned; nothing is replicated.

    Returns (C, S, n, d) float32, unit of the positions: in the frame, sorted by index of the
    neighbour; filled up to the largest number n with coordinates of 1e6.

    Parameters
    ----------
    reach : float, half of the edge of the square or cube, unit of the positions
    centres : (C,) int, optional
        Indices of particles; all unless given.
    frame : (d, d) orthogonal, optional
        Rows are the axes: shear direction, plane normal, third axis. Those of the box
        unless given.
    """
    positions, box = checked_positions(positions, box)
    species = checked_species(species, len(positions), species_count)
    frame = _checked_frame(frame, len(box))
    centres = np.arange(len(positions)) if centres is None else np.asarray(centres, np.int64)
    first, second = _candidates(positions, box, _half_extents(frame, reach, box), centres)
    vectors = minimum_image(positions[second] - positions[centres[first]], box) @ frame.T
    inside = (np.abs(vectors) < reach).all(axis=1)
    first, second, vectors = first[inside], second[inside], vectors[inside]
    row = first * species_count + species[second]
    order = np.lexsort((second, row))
    counts = np.bincount(row, minlength=len(centres) * species_count)
    slot = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    shape = (len(centres) * species_count, int(counts.max(initial=0)), len(box))
    padded = np.full(shape, FAR, dtype=np.float32)
    padded[row[order], slot] = vectors[order]
    return padded.reshape(len(centres), species_count, *shape[1:])


def _candidates(
    positions: np.ndarray, box: np.ndarray, extents: np.ndarray, centres: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of `centres` and particles (P,) that differ by less than the extents (d,)."""
    from scipy.spatial import cKDTree

    # In units of the extents the search is within a cube of edge 2.
    scaled_box = box / extents
    scaled = wrap(positions / extents, scaled_box)
    tree = cKDTree(scaled, boxsize=scaled_box)
    around = cKDTree(scaled[centres], boxsize=scaled_box)
    near = around.sparse_distance_matrix(tree, 1 + 1e-9, p=np.inf, output_type="ndarray")
    return near["i"], near["j"]


def _half_extents(frame: np.ndarray, reach: float, box: np.ndarray) -> np.ndarray:
    """Return half of the edges (d,) of the turned square or cube's bounding box."""
    if not (np.isfinite(reach) and reach > 0):
        raise ValueError(f"reach {reach} must be finite and greater than 0")
    extents = reach * np.abs(frame).sum(axis=0)
    if not (box >= 2 * extents * (1 - 1e-12)).all():
        axis = int(np.argmin(box / extents))
        raise ValueError(
            f"box edge {box[axis]:.6g} is shorter than the surroundings {2 * extents[axis]:.6g} "
            "along it: replicate the structure or lower the reach"
        )
    return extents


def _checked_frame(frame: np.ndarray | None, dimension: int) -> np.ndarray:
    frame = np.eye(dimension) if frame is None else np.asarray(frame, dtype=np.float64)
    square = frame.shape == (dimension, dimension)
    if not (square and np.allclose(frame @ frame.T, np.eye(dimension), atol=1e-6)):
        raise ValueError(f"frame {frame.tolist()} must be {dimension} orthogonal unit vectors")
    return frame
