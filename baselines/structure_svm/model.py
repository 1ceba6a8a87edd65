"""A linear support vector machine on structure functions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from glassbench.model import Condition, Example, Predictions, Progress, Run, Structure
from glassbench.regression.memory import DescriptorMemory
from glassbench.structure import StructureFunctionGrid, structure_functions

REMEMBERED = DescriptorMemory(capacity_bytes=2**30)
FILE_NAME = "machine.npz"


class StructureSvm:
    """Linear classification with the squared hinge loss, of the balanced sets.

    The features are those of `structure_functions`, standardised on the training
    particles. The distance to the boundary, squeezed into (0, 1) by a logistic function,
    is what is predicted: 1/2 divides the classes.

    Parameters
    ----------
    smallest_radius, cutoff, width, smallest_length, largest_length, lengths_count : of the
        `StructureFunctionGrid`, unit of the positions
    costs : C of LIBLINEAR; of several, the one with the highest validation accuracy
    iterations : largest number of Newton steps
    """

    def __init__(
        self,
        smallest_radius: float = 0.5,
        cutoff: float = 5.0,
        width: float = 0.025,
        smallest_length: float = 0.75,
        largest_length: float = 5.0,
        lengths_count: int = 16,
        costs: Sequence[float] = (100.0,),
        iterations: int = 1000,
    ) -> None:
        self.grid = StructureFunctionGrid(
            smallest_radius, cutoff, width, smallest_length, largest_length, lengths_count
        )
        self.costs = tuple(float(cost) for cost in costs)
        if not self.costs or min(self.costs) <= 0:
            raise ValueError(f"costs {list(costs)} must be one number > 0 at least")
        self.iterations = iterations
        self.target, self.cost = "", self.costs[0]
        self.slopes, self.intercept = np.empty(0), 0.0

    @property
    def parameters(self) -> int | None:
        """Return the number of fitted parameters, once there are any."""
        return len(self.slopes) + 1 if len(self.slopes) else None

    def fit(self, train: Sequence[Example], valid: Sequence[Example], run: Run) -> None:
        """Fit on the balanced sets of `train`; `valid` serves to choose among the costs."""
        self.target = run.target
        features, labels = self._particles(train)
        if len(np.unique(labels)) < 2:
            raise ValueError(
                f"the {len(labels)} training particles are all of one class: a boundary needs both"
            )
        centre, spread = features.mean(axis=0), features.std(axis=0)
        spread[spread == 0] = 1.0
        scaled = (features - centre) / spread
        held_out = self._particles(valid) if len(self.costs) > 1 and len(valid) else None
        best = None
        for cost in self.costs:
            machine = self._machine(cost, run.seed).fit(scaled, labels)
            slopes = machine.coef_[0] / spread
            self._set(slopes, float(machine.intercept_[0] - slopes @ centre), cost)
            score = None if held_out is None else self._accuracy(*held_out)
            if best is None or (score is not None and score > best[0]):
                best = (score, self.slopes, self.intercept, cost)
        self._set(*best[1:])
        run.report(Progress(epoch=1, epochs=1, validation_score=best[0]))

    def predict(
        self, structures: Sequence[Structure], condition: Condition
    ) -> Sequence[Predictions]:
        """Return a number in (0, 1) for every particle of each structure."""
        return [
            {self.target: 1 / (1 + np.exp(-self._distances(self._features(structure))))}
            for structure in structures
        ]

    def save(self, folder: Path) -> None:
        """Write the boundary."""
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(
            folder / FILE_NAME,
            target=np.array(self.target),
            slopes=self.slopes,
            intercept=np.array(self.intercept),
            cost=np.array(self.cost),
        )

    def load(self, folder: Path) -> None:
        """Read a boundary that `save` wrote; nothing in the file is executed."""
        with np.load(folder / FILE_NAME, allow_pickle=False) as file:
            self.target = str(file["target"])
            self._set(file["slopes"], float(file["intercept"]), float(file["cost"]))

    def _machine(self, cost: float, seed: int):
        from sklearn.svm import LinearSVC

        return LinearSVC(
            loss="squared_hinge",
            dual=False,
            C=cost,
            max_iter=self.iterations,
            random_state=seed,
        )

    def _set(self, slopes: np.ndarray, intercept: float, cost: float) -> None:
        self.slopes, self.intercept, self.cost = slopes, intercept, cost

    def _distances(self, features: np.ndarray) -> np.ndarray:
        return np.clip(features @ self.slopes + self.intercept, -500, 500)

    def _accuracy(self, features: np.ndarray, labels: np.ndarray) -> float:
        return float(((self._distances(features) > 0) == labels).mean()) if len(labels) else 0.0

    def _features(self, structure: Structure) -> np.ndarray:
        """Return (N, F) float32, the same under every load."""
        unloaded = Structure(structure.positions, structure.species, structure.box)
        return REMEMBERED.get(self.grid, unloaded, self._computed)

    def _computed(self, structure: Structure) -> np.ndarray:
        arguments = (structure.positions, structure.species, structure.box, self.grid)
        return structure_functions(*arguments).astype(np.float32)

    def _particles(self, examples: Sequence[Example]) -> tuple[np.ndarray, np.ndarray]:
        """Return features (P, F) and labels (P,) of the balanced sets."""
        features, labels = [], []
        for example in examples:
            features.append(self._features(example.structure)[example.balanced])
            labels.append(np.asarray(example.targets[self.target])[example.balanced] > 0.5)
        return np.concatenate(features).astype(np.float64), np.concatenate(labels)
