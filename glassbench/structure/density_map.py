"""Gaussian-weighted spatial density maps: the neighbourhood of a particle as an image.

Maps are made when they are needed, from the vectors to the neighbours, which take a
hundredth of their memory. torch is imported when a map is made.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .local import NEGLIGIBLE_WIDTHS
from .neighbours import in_rows
from .periodic_box import checked_positions, checked_species, minimum_image, wrap

if TYPE_CHECKING:
    import torch

# Factors of this many numbers stay in the cache of one core.
NUMBERS_PER_PIECE = 2**18
NUMBERS_PER_PIECE_GPU = 2**29
FAR = 1e6


@dataclass(frozen=True)
class DensityMapGrid:
    """The pixels of a density map, in the unit of the positions.

    Attributes
    ----------
    cutoff : r_c, half of the edge of the map, a multiple of Delta / 2
    spacing : Delta, the distance between pixels and the standard deviation of the Gaussians
    """

    cutoff: float
    spacing: float

    def __post_init__(self) -> None:
        if not (0 < self.spacing <= self.cutoff < np.inf):
            raise ValueError(f"spacing {self.spacing} must be above 0, up to {self.cutoff}")
        if abs(2 * self.cutoff / self.spacing - self.pixels) > 1e-6:
            raise ValueError(
                f"the edge {2 * self.cutoff} of the map is no multiple of the spacing "
                f"{self.spacing}: choose another cutoff"
            )

    @property
    def pixels(self) -> int:
        """The number of pixels G along an edge, 2 r_c / Delta."""
        return round(2 * self.cutoff / self.spacing)

    @property
    def coordinates(self) -> np.ndarray:
        """The coordinates (G,) of the pixels, from -r_c + Delta / 2 to r_c - Delta / 2."""
        return -self.cutoff + self.spacing * (np.arange(self.pixels) + 0.5)


# Fan, Ma, Nat. Commun. 12, 1506 (2021): 50 x 50 and 32 x 32 x 32 pixels.
DENSITY_MAP_2D = DensityMapGrid(cutoff=5.0, spacing=0.2)
DENSITY_MAP_3D = DensityMapGrid(cutoff=9.6, spacing=0.6)


def density_maps(
    vectors: torch.Tensor, grid: DensityMapGrid, dtype: torch.dtype | None = None
) -> torch.Tensor:
    """Return the spatial density map around each centre, one channel for each species.

    Xi_i(z, y, x, s) = sum_(j of s) exp(-((x_ij - x)^2 + (y_ij - y)^2 + (z_ij - z)^2) / (2 Delta^2))

    The Gaussian is a product of one factor for each axis, and the sum over neighbours a
    product of matrices. A neighbour further than 6 Delta from a pixel along an axis would add
    less than 1.6e-8 and is left out.

    `vectors` (C, S, n, d) go from each centre to its neighbours of each species, as
    `padded_surroundings` gives them. Products are computed in `dtype`, that of the vectors unless
    given. Returns (C, S, G, G) or (C, S, G, G, G) on their device: axes (z,) y, x; dimensionless.

    Source: Fan, Ma, Nat. Commun. 12, 1506 (2021), Eq. 1 and 2.
    """
    import torch

    if vectors.ndim != 4 or vectors.shape[-1] not in (2, 3):
        raise ValueError(
            f"vectors have the shape {tuple(vectors.shape)}: give (centres, species, "
            "neighbours, 2) or (centres, species, neighbours, 3)"
        )
    dtype = dtype or vectors.dtype
    centres, species, neighbours, dimension = vectors.shape
    scale = 1 / (math.sqrt(2) * grid.spacing)
    flat = vectors.reshape(centres * species, neighbours, dimension) * scale
    coordinates = torch.as_tensor(grid.coordinates * scale, dtype=flat.dtype, device=flat.device)
    maps = flat.new_empty((len(flat), *[grid.pixels] * dimension), dtype=dtype)
    numbers = max(1, neighbours) * grid.pixels * (2 if dimension == 2 else grid.pixels)
    piece = NUMBERS_PER_PIECE if flat.device.type == "cpu" else NUMBERS_PER_PIECE_GPU
    step = max(1, piece // numbers)
    buffer = flat.new_empty((min(step, len(flat)), neighbours, dimension, grid.pixels))
    # Zeros are fast; the subnormal numbers in their place would be a hundred times slower.
    least = -0.5 * NEGLIGIBLE_WIDTHS**2
    for low in range(0, len(flat), step):
        part = flat[low : low + step]
        factors = torch.sub(part[..., None], coordinates, out=buffer[: len(part)])
        factors = factors.square_().neg_().clamp_(min=least).exp_()
        factors = torch.threshold_(factors, 1.01 * math.exp(least), 0.0).to(dtype)
        x, rest = factors[:, :, 0], factors[:, :, 1]
        if dimension == 3:
            rest = (factors[:, :, 2, :, None] * rest[:, :, None]).flatten(2)
        torch.bmm(rest.mT, x, out=maps[low : low + step].view(len(part), -1, grid.pixels))
    return maps.view(centres, species, *maps.shape[1:])


def turned_maps(maps: torch.Tensor, matrix: np.ndarray) -> torch.Tensor:
    """Return the maps (..., (G,) G, G) of the surroundings turned by a matrix (d, d).

    The matrix permutes the axes and may change their signs; the maps of the turned vectors
    are then the same pixels in another order.
    """
    matrix = np.asarray(matrix)
    source = np.abs(matrix).argmax(axis=1)
    signs = matrix[np.arange(len(matrix)), source]
    permutation = np.zeros(matrix.shape)
    permutation[np.arange(len(matrix)), source] = signs
    one_each = np.array_equal(np.sort(source), np.arange(len(matrix)))
    if not (one_each and np.array_equal(matrix, permutation) and (np.abs(signs) == 1).all()):
        raise ValueError(f"matrix {matrix.tolist()} must permute the axes, with signs or without")
    # Axis x is the last dimension, y the one before.
    last = maps.ndim - 1
    order = list(range(maps.ndim))
    for axis, origin in enumerate(source.tolist()):
        order[last - axis] = last - origin
    return maps.permute(order).flip([last - axis for axis in np.flatnonzero(signs < 0).tolist()])


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
    padded = in_rows(vectors[order].astype(np.float32), counts, FAR)
    return padded.reshape(len(centres), species_count, *padded.shape[1:])


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
