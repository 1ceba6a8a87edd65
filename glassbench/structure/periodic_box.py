"""Positions in an orthorhombic periodic box: checks, wrapping, minimum images."""

from __future__ import annotations

import numpy as np

LARGEST_SPECIES_COUNT = 128  # what int8 can number from 0


def checked_positions(positions: np.ndarray, box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return positions (N, d) and box (d,) as float64, d = 2 or 3, after checking both."""
    positions = np.asarray(positions, dtype=np.float64)
    box = np.asarray(box, dtype=np.float64)
    if positions.ndim != 2 or positions.shape[1] not in (2, 3):
        raise ValueError(
            f"positions have the shape {positions.shape}: give (particles, 2) or (particles, 3)"
        )
    if box.shape != (positions.shape[1],):
        raise ValueError(
            f"box has the shape {box.shape} and positions {positions.shape}: "
            f"give one edge for each of the {positions.shape[1]} axes"
        )
    if not (np.isfinite(box).all() and (box > 0).all()):
        raise ValueError(f"box edges {box.tolist()} must be finite and greater than 0")
    finite = np.isfinite(positions).all(axis=1)
    if not finite.all():
        particle = int(np.argmin(finite))
        raise ValueError(
            f"position of particle {particle} is {positions[particle].tolist()}: "
            f"{int((~finite).sum())} of {len(positions)} particles are not finite; "
            "remove or repair this configuration"
        )
    return positions, box


def checked_species(species: np.ndarray, particles: int, species_count: int) -> np.ndarray:
    """Return species (N,) as int8 after checking length, kind and range 0 .. species_count - 1."""
    species = np.asarray(species)
    if species.shape != (particles,):
        raise ValueError(f"species have the shape {species.shape}: give ({particles},)")
    if species.dtype.kind not in "iu":
        raise ValueError(f"species are of dtype {species.dtype}: give integers starting at 0")
    if particles and not (species.min() >= 0 and species.max() < species_count):
        raise ValueError(
            f"species run from {species.min()} to {species.max()}, outside 0 to "
            f"{species_count - 1}: renumber them or raise species_count"
        )
    return species.astype(np.int8)


def check_cutoff(cutoff: float, box: np.ndarray) -> float:
    """Return a cutoff that is finite, positive and at most half of the shortest box edge.

    Beyond half an edge a particle and its image could both be neighbours, and a
    pair would no longer have one vector.
    """
    cutoff = float(cutoff)
    if not (np.isfinite(cutoff) and cutoff > 0):
        raise ValueError(f"cutoff {cutoff} must be finite and greater than 0")
    shortest = float(np.min(box))
    if shortest < 2 * cutoff:
        raise ValueError(
            f"box edge {shortest:.6g} is shorter than twice the cutoff {cutoff:.6g}: "
            "replicate the structure or lower the cutoff"
        )
    return cutoff


def wrap(positions: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return positions (N, d) moved by whole box edges (d,) into [0, edge), as float64.

    >>> import numpy as np
    >>> from glassbench.structure import wrap
    >>> wrap(np.array([[4.5, -0.5]]), np.array([4.0, 4.0]))
    array([[0.5, 3.5]])
    """
    wrapped = np.mod(positions, box, dtype=np.float64)
    # The remainder of a tiny negative coordinate rounds to the edge itself.
    wrapped[wrapped >= box] = 0.0
    return wrapped


def minimum_image(vectors: np.ndarray, box: np.ndarray | float) -> np.ndarray:
    """Return vectors (..., d) moved by whole box edges (d,) to their shortest image.

    v - L rint(v / L), for each axis.

    >>> import numpy as np
    >>> from glassbench.structure import minimum_image
    >>> minimum_image(np.array([3.6, -0.5]), np.array([4.0, 4.0])).round(3)
    array([-0.4, -0.5])
    """
    return vectors - box * np.rint(vectors / box)
