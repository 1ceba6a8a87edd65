"""Linear regression, in numpy alone, on the distance and the crowding of both ends of a pair."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from glassbench.model import Condition, Example, Predictions, Run, Structure
from glassbench.structure import minimum_image, neighbour_pairs


class MyModel:
    """y_ij = w_s . x_ij, with s the species of the pair and x_ij powers of r_ij and crowding.

    `ranges` are in mean distances between particles, `degree` is the highest power of r_ij,
    `strength` is the ridge per pair.
    """

    def __init__(self, ranges: list[float], degree: int, strength: float) -> None:
        self.ranges, self.degree, self.strength, self.target = ranges, degree, strength, ""
        self.weights: dict[int, np.ndarray] = {}

    def fit(self, train: Sequence[Example], valid: Sequence[Example], run: Run) -> None:
        self.target = run.target
        x = np.concatenate([self.features(example.structure) for example in train])
        y = np.concatenate([example.targets[run.target] for example in train])
        kind = np.concatenate([self.kinds(example.structure) for example in train])
        for s in np.unique(kind):
            a, b = x[kind == s], y[kind == s]
            ridge = self.strength * len(a) * np.eye(a.shape[1])
            self.weights[int(s)] = np.linalg.solve(a.T @ a + ridge, a.T @ b)

    def predict(self, structures: Sequence[Structure], condition: Condition) -> list[Predictions]:
        slopes = [np.stack([self.weights[int(s)] for s in self.kinds(each)]) for each in structures]
        sums = [(self.features(each) * w).sum(axis=1) for each, w in zip(structures, slopes)]
        return [{self.target: values} for values in sums]

    def kinds(self, structure: Structure) -> np.ndarray:
        return structure.species[structure.pairs].sum(axis=1)

    def features(self, structure: Structure) -> np.ndarray:
        n, d = structure.positions.shape
        spacing = (np.prod(structure.box) / n) ** (1 / d)
        near = neighbour_pairs(structure.positions, structure.box, 2 * spacing)
        weights = [np.exp(-((near.distances / (spacing * c)) ** 4)) for c in self.ranges]
        crowding = np.stack([np.bincount(near.receivers, w, n) for w in weights], axis=1)
        i, j = structure.pairs.T
        vectors = minimum_image(structure.positions[i] - structure.positions[j], structure.box)
        r = np.linalg.norm(vectors, axis=1, keepdims=True) / spacing
        return np.hstack([r ** np.arange(self.degree + 1), crowding[i] + crowding[j]])

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        weights = {str(s): w for s, w in self.weights.items()}
        np.savez(folder / "w.npz", target=self.target, **weights)

    def load(self, folder: Path) -> None:
        with np.load(folder / "w.npz", allow_pickle=False) as file:
            self.target = str(file["target"])
            self.weights = {int(s): file[s] for s in file.files if s != "target"}
