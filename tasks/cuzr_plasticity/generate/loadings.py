"""The 24 loads of a cubic cell of copper-zirconium."""

from __future__ import annotations

import numpy as np

from glassbench.simulation.quasistatic_shear import Loading

SIGNS = (("positive", 1.0), ("negative", -1.0))


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


def right_handed(direction: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Return the frame (3, 3) with rows a, b and a x b."""
    return np.stack([direction, normal, np.cross(direction, normal)])
