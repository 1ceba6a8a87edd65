"""A trivial floor: the change of a pair's distance as a polynomial in the distance itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassbench.model import Condition, Example, Predictions, Run, Structure

DISTANCE_SCALE = 2.0


class PairDistance:
    """Least squares of a pair target on powers of r_ij, for each pair of species.

    Parameters
    ----------
    degree : highest power of the distance
    """

    def __init__(self, degree: int) -> None:
        if degree < 1:
            raise ValueError(f"degree {degree} is below 1")
        self.degree, self.target = degree, ""
        self.coefficients: dict[int, np.ndarray] = {}

    @property
    def parameters(self) -> int:
        """Return the number of fitted coefficients."""
        return sum(map(len, self.coefficients.values()))

    def fit(self, train: Sequence[Example], valid: Sequence[Example], run: Run) -> None:
        """Fit one polynomial for each number of B particles in a pair, from normal equations."""
        self.target = run.target
        size = self.degree + 1
        products: dict[int, list[np.ndarray]] = {}
        for example in train:
            powers, kinds = self._powers(example.structure), _kinds(example.structure)
            target = np.asarray(example.targets[run.target], dtype=np.float64)
            for kind in np.unique(kinds).tolist():
                chosen = kinds == kind
                sums = products.setdefault(kind, [np.zeros((size, size)), np.zeros(size)])
                sums[0] += powers[chosen].T @ powers[chosen]
                sums[1] += powers[chosen].T @ target[chosen]
        self.coefficients = {
            kind: np.linalg.lstsq(square, cross, rcond=None)[0]
            for kind, (square, cross) in products.items()
        }

    def predict(
        self, structures: Sequence[Structure], condition: Condition
    ) -> Sequence[Predictions]:
        """Return the polynomial of every pair of `structure.pairs`."""
        return [{self.target: self._predict(structure)} for structure in structures]

    def _predict(self, structure: Structure) -> np.ndarray:
        powers, kinds = self._powers(structure), _kinds(structure)
        prediction = np.zeros(len(kinds))
        for kind, coefficients in self.coefficients.items():
            chosen = kinds == kind
            prediction[chosen] = powers[chosen] @ coefficients
        return prediction

    def _powers(self, structure: Structure) -> np.ndarray:
        """Return powers (P, degree + 1) of the distances, scaled to the order of one."""
        first, second = structure.pairs.T
        vectors = structure.positions[second] - structure.positions[first]
        vectors -= structure.box * np.round(vectors / structure.box)
        distances = np.linalg.norm(vectors, axis=1) / DISTANCE_SCALE
        return np.vander(distances, self.degree + 1, increasing=True)


def _kinds(structure: Structure) -> np.ndarray:
    """Return the number of B particles in each pair: (P,)."""
    return structure.species[structure.pairs].sum(axis=1)
