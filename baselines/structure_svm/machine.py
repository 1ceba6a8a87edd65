"""A linear support vector machine, of labels or of numbers, on features of any scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class LinearMachine:
    """The map x -> slopes . x + intercept; of labels, above 0 on the side of the positives."""

    slopes: np.ndarray
    intercept: float

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Return the values (P,) of features (P, F)."""
        return features @ self.slopes + self.intercept


def fitted_machine(
    features: np.ndarray, target: np.ndarray, cost: float, iterations: int, seed: int
) -> LinearMachine:
    """Return the machine that LIBLINEAR finds by solving the primal problem.

    Labels: min |w|^2 / 2 + C sum max(0, 1 - y (w . x + b))^2 with y = -1, 1. Numbers:
    min |w|^2 / 2 + C sum (y - w . x - b)^2 with y of mean 0 and standard deviation 1.
    Features are standardised first; a constant one has no slope.

    Parameters
    ----------
    features : (P, F) float64
    target : (P,) bool, or float64
    cost : C
    iterations : largest number of Newton steps

    Raises
    ------
    ValueError
        If all labels are of one class.
    """
    from sklearn.svm import LinearSVC, LinearSVR

    if target.dtype == bool and len(np.unique(target)) < 2:
        raise ValueError(
            f"the {len(target)} training particles are all of one class: a boundary needs both"
        )
    centre, spread = features.mean(axis=0), features.std(axis=0)
    spread[spread == 0] = 1.0
    scaled = (features - centre) / spread
    options = {"C": cost, "dual": False, "max_iter": iterations, "random_state": seed}
    if target.dtype == bool:
        machine = LinearSVC(loss="squared_hinge", **options).fit(scaled, target)
        slopes, intercept = machine.coef_[0], float(machine.intercept_[0])
    else:
        middle, width = float(target.mean()), float(target.std()) or 1.0
        machine = LinearSVR(loss="squared_epsilon_insensitive", **options)
        machine.fit(scaled, (target - middle) / width)
        slopes = width * machine.coef_
        intercept = middle + width * float(np.ravel(machine.intercept_)[0])
    slopes = slopes / spread
    return LinearMachine(slopes, intercept - float(slopes @ centre))
