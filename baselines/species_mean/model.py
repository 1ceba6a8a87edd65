"""The most trivial floor: every particle has the mean of its species."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassbench.model import Condition, Example, Predictions, Run, Structure


class SpeciesMean:
    """The mean of the target over the particles of each species in the training split."""

    def __init__(self) -> None:
        self.target, self.means = "", {}

    @property
    def parameters(self) -> int:
        """Return the number of fitted means."""
        return len(self.means)

    def fit(self, train: Sequence[Example], valid: Sequence[Example], run: Run) -> None:
        """Average the target over each species."""
        self.target = run.target
        sums: dict[int, list[float]] = {}
        for example in train:
            target = np.asarray(example.targets[run.target], dtype=np.float64)
            for species in np.unique(example.structure.species).tolist():
                of_species = target[example.structure.species == species]
                total = sums.setdefault(species, [0.0, 0.0])
                total[0] += of_species.sum()
                total[1] += len(of_species)
        self.means = {species: total / count for species, (total, count) in sums.items()}

    def predict(
        self, structures: Sequence[Structure], condition: Condition
    ) -> Sequence[Predictions]:
        """Return the mean of the species of every particle."""
        return [{self.target: self._predict(structure)} for structure in structures]

    def _predict(self, structure: Structure) -> np.ndarray:
        unknown = sorted(set(np.unique(structure.species).tolist()) - set(self.means))
        if unknown:
            raise ValueError(
                f"configuration {structure.configuration} has species {unknown[0]}, which no "
                f"training configuration had: fitted are {sorted(self.means)}"
            )
        prediction = np.empty(len(structure.species))
        for species, mean in self.means.items():
            prediction[structure.species == species] = mean
        return prediction
