"""The four loads of the two-dimensional glass."""

from __future__ import annotations

import numpy as np

from glassbench.simulation.quasistatic_shear import Loading


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


def turned_frame(degrees: float) -> np.ndarray:
    """Return the frame (2, 2) of positive simple shear, turned counter-clockwise."""
    angle = np.deg2rad(degrees)
    frame = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.where(np.abs(frame) < 1e-15, 0.0, frame)
