"""Displacements relative to what the neighbours do, beyond a locally uniform strain."""

from __future__ import annotations

import numpy as np

from glassbench.structure.neighbours import neighbour_pairs
from glassbench.structure.periodic_box import checked_positions, minimum_image

NEIGHBOUR_CUTOFF = 1.6
INDEPENDENT = 1e-10  # least ratio of the eigenvalues of sum_j r_ij r_ij^T of independent neighbours


class NeighbourRelative:
    """The neighbours of every particle of a configuration, and their least-squares strain.

    With n_i neighbours j at r_ij(0) < r_c, displacements dr, and the strain eps_i that
    minimises sum_j |s_ij|^2,

        s_ij = dr_j - dr_i - eps_i (r_j - r_i),
        R_i = |1/n_i sum_j s_ij|,    D_i = (1/n_i sum_j |s_ij|^2)^1/2

    so that R_i is the displacement of a particle against the average of its neighbours,
    and D_i >= R_i. Neither sees a translation or a uniform strain of the surroundings.

    Source: Shiba et al., J. Chem. Phys. 158, 084503 (2023), section V: r_c = 1.6; Falk & Langer,
    Phys. Rev. E 57, 7192 (1998) for the strain.

    Parameters
    ----------
    positions : (N, d), the initial configuration
    cutoff : r_c, unit of the positions
    """

    def __init__(
        self, positions: np.ndarray, box: np.ndarray, cutoff: float = NEIGHBOUR_CUTOFF
    ) -> None:
        positions, box = checked_positions(positions, box)
        pairs = neighbour_pairs(positions, box, cutoff)
        self.first, self.second = pairs.receivers, pairs.senders
        self.vectors = minimum_image(positions[self.second] - positions[self.first], box)
        self.shape = positions.shape
        self.count = np.bincount(self.first, minlength=len(positions))
        moments = self._sums(self.vectors[:, :, None] * self.vectors[:, None, :])
        self.inverse = np.linalg.pinv(moments, rcond=INDEPENDENT, hermitian=True)

    def __call__(self, displacements: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return R (N,) and D (N,) of displacements (N, d), in their unit; 0 without neighbours."""
        displacements = np.asarray(displacements, dtype=np.float64)
        if displacements.shape != self.shape:
            raise ValueError(
                f"displacements have the shape {displacements.shape}, the positions {self.shape}"
            )
        relative = displacements[self.second] - displacements[self.first]
        strain = self.inverse @ self._sums(self.vectors[:, :, None] * relative[:, None, :])
        residual = relative - np.einsum("pa,pab->pb", self.vectors, strain[self.first])
        count = np.maximum(self.count, 1)
        mean = self._sums(residual) / count[:, None]
        squared = np.bincount(self.first, (residual**2).sum(axis=1), len(count)) / count
        return np.linalg.norm(mean, axis=1), np.sqrt(squared)

    def _sums(self, values: np.ndarray) -> np.ndarray:
        """Return sums (N, ...) of values (P, ...) over the neighbours of each particle."""
        columns = values.reshape(len(values), int(np.prod(values.shape[1:]))).T
        sums = [np.bincount(self.first, column, self.shape[0]) for column in columns]
        return np.stack(sums, axis=1).reshape(self.shape[0], *values.shape[1:])
