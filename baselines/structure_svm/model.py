"""A linear support vector machine on structure functions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from glassbench.model import Condition, Example, Predictions, Progress, Run, Structure
from glassbench.regression.memory import DescriptorMemory
from glassbench.structure import StructureFunctionGrid, structure_functions

from .machine import LinearMachine, fitted_machine

REMEMBERED = DescriptorMemory(capacity_bytes=2**30)
FILE_NAME = "machines.npz"
LARGEST_EXPONENT = 500.0


class StructureSvm:
    """Linear support vector machines: of labels on the balanced sets, of numbers on all particles.

    The features are those of `structure_functions`. Of a label the distance to the
    boundary is predicted, squeezed into (0, 1) by a logistic function: 1/2 divides the
    classes.

    Parameters
    ----------
    smallest_radius, cutoff, width, smallest_length, largest_length, lengths_count,
    angular_cutoff : of the `StructureFunctionGrid`, unit of the positions
    costs : C of LIBLINEAR; of several, the one that does best on the validation examples
    by_species : one machine for each species, else one for all
    iterations : largest number of Newton steps
    """

    def __init__(
        self,
        smallest_radius: float,
        cutoff: float,
        width: float,
        smallest_length: float,
        largest_length: float,
        lengths_count: int,
        angular_cutoff: float,
        costs: Sequence[float],
        by_species: bool,
        iterations: int,
    ) -> None:
        self.grid = StructureFunctionGrid(
            smallest_radius,
            cutoff,
            width,
            smallest_length,
            largest_length,
            lengths_count,
            angular_cutoff,
        )
        self.costs = tuple(float(cost) for cost in costs)
        if not self.costs or min(self.costs) <= 0:
            raise ValueError(f"costs {list(costs)} must be one number > 0 at least")
        self.by_species, self.iterations = by_species, iterations
        self.target, self.is_label = "", True
        self.machines: dict[int, LinearMachine] = {}

    @property
    def parameters(self) -> int | None:
        """Return the number of fitted parameters, once there are any."""
        return sum(len(m.slopes) + 1 for m in self.machines.values()) or None

    def fit(self, train: Sequence[Example], valid: Sequence[Example], run: Run) -> None:
        """Fit on `train`; `valid` serves to choose among the costs."""
        self.target, self.is_label = run.target, train[0].balanced is not None
        features, targets, kinds = self._particles(train)
        if not len(targets):
            raise ValueError("the training examples hold no particle to learn from")
        choosing = len(self.costs) > 1 and len(valid) > 0
        held_out = self._particles(valid) if choosing else None
        best, found = None, {}
        for cost in self.costs:
            self.machines = {
                kind: fitted_machine(
                    features[kinds == kind], targets[kinds == kind], cost, self.iterations, run.seed
                )
                for kind in np.unique(kinds).tolist()
            }
            score = self._score(*held_out) if choosing else None
            if not found or (score is not None and score > best):
                best, found = score, self.machines
        self.machines = found
        run.report(Progress(epoch=1, epochs=1, validation_score=best))

    def predict(
        self, structures: Sequence[Structure], condition: Condition
    ) -> Sequence[Predictions]:
        """Return a number for every particle of each structure, of a label in (0, 1)."""
        return [{self.target: self._predict(structure)} for structure in structures]

    def save(self, folder: Path) -> None:
        """Write the fitted machines."""
        folder.mkdir(parents=True, exist_ok=True)
        kinds = sorted(self.machines)
        np.savez(
            folder / FILE_NAME,
            target=np.array(self.target),
            is_label=np.array(self.is_label),
            kinds=np.array(kinds, dtype=np.int64),
            slopes=np.stack([self.machines[kind].slopes for kind in kinds]),
            intercepts=np.array([self.machines[kind].intercept for kind in kinds]),
        )

    def load(self, folder: Path) -> None:
        """Read machines that `save` wrote; nothing in the file is executed."""
        with np.load(folder / FILE_NAME, allow_pickle=False) as file:
            self.target, self.is_label = str(file["target"]), bool(file["is_label"])
            maps = zip(file["slopes"], file["intercepts"].tolist(), strict=True)
            machines = (LinearMachine(slopes, intercept) for slopes, intercept in maps)
            self.machines = dict(zip(file["kinds"].tolist(), machines, strict=True))

    def _predict(self, structure: Structure) -> np.ndarray:
        values = self._values(self._features(structure), self._kinds(structure))
        if not self.is_label:
            return values
        return 1 / (1 + np.exp(-np.clip(values, -LARGEST_EXPONENT, LARGEST_EXPONENT)))

    def _values(self, features: np.ndarray, kinds: np.ndarray) -> np.ndarray:
        values = np.empty(len(features))
        for kind in np.unique(kinds).tolist():
            if kind not in self.machines:
                raise ValueError(
                    f"there are particles of species {kind}, which no training structure had: "
                    f"fitted are {sorted(self.machines)}"
                )
            values[kinds == kind] = self.machines[kind](features[kinds == kind])
        return values

    def _score(self, features: np.ndarray, targets: np.ndarray, kinds: np.ndarray) -> float:
        """Return the accuracy of labels, less the mean squared error of numbers."""
        values = self._values(features, kinds)
        if self.is_label:
            return float(((values > 0) == targets).mean()) if len(targets) else 0.0
        return -float(((values - targets) ** 2).mean())

    def _features(self, structure: Structure) -> np.ndarray:
        """Return (N, F) float32, the same under every load."""
        unloaded = Structure(structure.positions, structure.species, structure.box)
        return REMEMBERED.get(self.grid, unloaded, self._computed)

    def _computed(self, structure: Structure) -> np.ndarray:
        arguments = (structure.positions, structure.species, structure.box, self.grid)
        return structure_functions(*arguments).astype(np.float32)

    def _kinds(self, structure: Structure) -> np.ndarray:
        """Return which machine serves each particle: (N,)."""
        return structure.species if self.by_species else np.zeros_like(structure.species)

    def _particles(self, examples: Sequence[Example]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return features (P, F), targets (P,) and kinds (P,) of the particles to learn from."""
        parts = []
        for example in examples:
            chosen = example.balanced if self.is_label else slice(None)
            target = np.asarray(example.targets[self.target])[chosen]
            features = self._features(example.structure)[chosen]
            kinds = self._kinds(example.structure)[chosen]
            parts.append((features, target > 0.5 if self.is_label else target, kinds))
        features, targets, kinds = (np.concatenate(part) for part in zip(*parts, strict=True))
        targets = targets if self.is_label else targets.astype(np.float64)
        return features.astype(np.float64), targets, kinds
