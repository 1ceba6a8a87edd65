"""Loads: the frame of a shear, its deformation gradient, and LAMMPS' form of the cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Loading:
    """A shear of a periodic cell.

    Attributes
    ----------
    frame : (d, d), rows are the shear direction a, the plane normal b and, in three
        dimensions, a x b; orthonormal and right-handed
    pure : whether the cell is stretched along a + b and compressed along a - b
        (pure shear), instead of slid along a on the planes normal to b (simple shear)
    """

    name: str
    frame: np.ndarray
    pure: bool = False

    def gradient(self, strain: float) -> np.ndarray:
        """Return the deformation gradient F (d, d) at a shear strain.

        Simple shear: F = 1 + strain a b^T. Pure shear: F = exp(strain (a b^T + b a^T) / 2),
        which keeps the area and whose strain differs from that of simple shear in the
        second order only. A point x of the undeformed cell goes to F x.
        """
        a, b = self.frame[:2]
        if not self.pure:
            return np.eye(len(a)) + strain * np.outer(a, b)
        stretched, compressed = (a + b) / np.sqrt(2), (a - b) / np.sqrt(2)
        rest = np.eye(len(a)) - np.outer(a, a) - np.outer(b, b)
        return (
            rest
            + np.exp(strain / 2) * np.outer(stretched, stretched)
            + np.exp(-strain / 2) * np.outer(compressed, compressed)
        )


def triclinic_form(cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rotation Q and the upper triangular cell R with cell = Q R.

    Parameters
    ----------
    cell : (d, d), right-handed, its columns are the vectors of the cell

    Returns
    -------
    Q : (d, d) rotation; coordinates y in LAMMPS are x = Q y in the laboratory
    R : (d, d) upper triangular with a positive diagonal, as LAMMPS wants a cell
    """
    rotation, upper = np.linalg.qr(cell)
    signs = np.sign(np.diag(upper))
    return rotation * signs, signs[:, None] * upper
