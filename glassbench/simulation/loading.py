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


def loadings_2d() -> tuple[Loading, ...]:
    """Return the four loads of Fan & Ma 2021: simple and pure shear, both signs.

    Positive simple shear slides along x on planes normal to y. Negative simple shear has
    the frame turned by 90 degrees, a = y and b = -x, so that every frame is a rotation;
    to first order this is the strain of sliding along -x. Pure shear has the frames turned
    by -45 degrees (positive: stretched along x, compressed along y) and by 45 degrees.
    """
    return tuple(
        Loading(name, turned_frame(degrees), pure)
        for name, degrees, pure in (
            ("simple_positive", 0, False),
            ("simple_negative", 90, False),
            ("pure_positive", -45, True),
            ("pure_negative", 45, True),
        )
    )


def loadings_3d() -> tuple[Loading, ...]:
    """Return 24 simple shears of a cubic cell; they are this project's own list.

    First the six ordered pairs (a, b) of cube axes with both signs of a: `xy_positive` has
    a = x and b = y. Then the same within the plane that a turn of the axes by 45 degrees
    about x, y or z moves: `xy_positive_45z` has a = (x + y) / sqrt(2) and
    b = (y - x) / sqrt(2). All other pairs of the turned axes hold an axis of the cube.

    Fan & Ma 2021 loaded along 24 orientations that their public text does not list.
    """
    axes = np.eye(3)
    straight = [
        Loading(f"{'xyz'[a]}{'xyz'[b]}_{word}", right_handed(sign * axes[a], axes[b]))
        for a in range(3)
        for b in range(3)
        if a != b
        for word, sign in SIGNS
    ]
    turned = []
    for about, (first, second) in (("z", (0, 1)), ("x", (1, 2)), ("y", (2, 0))):
        plus = (axes[first] + axes[second]) / np.sqrt(2)
        minus = (axes[second] - axes[first]) / np.sqrt(2)
        letters = "xyz"[first], "xyz"[second]
        for names, a, b in ((letters, plus, minus), (letters[::-1], minus, plus)):
            for word, sign in SIGNS:
                name = f"{''.join(names)}_{word}_45{about}"
                turned.append(Loading(name, right_handed(sign * a, b)))
    return (*straight, *turned)


SIGNS = (("positive", 1.0), ("negative", -1.0))


def turned_frame(degrees: float) -> np.ndarray:
    """Return the frame (2, 2) of positive simple shear, turned counter-clockwise."""
    angle = np.deg2rad(degrees)
    frame = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.where(np.abs(frame) < 1e-15, 0.0, frame)


def right_handed(direction: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Return the frame (3, 3) with rows a, b and a x b."""
    return np.stack([direction, normal, np.cross(direction, normal)])
