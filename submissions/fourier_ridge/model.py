"""Kernel regression on radial densities, approximated by random Fourier features."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from glassbench.model import Condition, Example, Predictions, Run, Structure
from glassbench.structure import radial_densities, shell_averages

WEIGHTS = "weights.npz"


class FourierRidge:
    """Ridge regression, per species, on cosines of random projections of the surroundings.

    k(x, x') = exp(-gamma |x - x'|^2) ~ z(x) . z(x'),   z_j(x) = sqrt(2/D) cos(w_j . x + b_j)

    Parameters
    ----------
    shells : number of Gaussian shells of each species
    reach : radius of the last one, in mean distances between particles
    features : D
    gamma : of the kernel, for descriptors of variance 1
    strength : of the ridge

    Source: Rahimi & Recht, Random features for large-scale kernel machines, NIPS 2007.
    """

    def __init__(self, shells: int, reach: float, features: int, gamma: float, strength: float):
        self.shells, self.reach, self.features = shells, reach, features
        self.gamma, self.strength = gamma, strength
        self.target = ""
        self.fitted: dict[int, dict[str, np.ndarray]] = {}

    def fit(self, train: Sequence[Example], valid: Sequence[Example], run: Run) -> None:
        """Fit one regression per species."""
        self.target = run.target
        descriptors = np.concatenate([self.descriptors(e.structure) for e in train])
        targets = np.concatenate([e.targets[run.target] for e in train])
        species = np.concatenate([e.structure.species for e in train])
        for kind in np.unique(species).tolist():
            of_kind = species == kind
            scaler = StandardScaler().fit(descriptors[of_kind])
            sampler = RBFSampler(
                gamma=self.gamma, n_components=self.features, random_state=run.seed
            )
            cosines = sampler.fit_transform(scaler.transform(descriptors[of_kind]))
            ridge = Ridge(alpha=self.strength).fit(cosines, targets[of_kind])
            self.fitted[kind] = {
                "mean": scaler.mean_,
                "scale": scaler.scale_,
                "directions": sampler.random_weights_,
                "phases": sampler.random_offset_,
                "slopes": ridge.coef_,
                "intercept": np.array(ridge.intercept_),
            }

    def predict(
        self, structures: Sequence[Structure], condition: Condition
    ) -> Sequence[Predictions]:
        """Return the target of every particle of each structure."""
        return [{self.target: self._predict(structure)} for structure in structures]

    def descriptors(self, structure: Structure) -> np.ndarray:
        """Return radial densities and their averages over neighbours: (N, 4 shells)."""
        positions, box = structure.positions, structure.box
        count, dimension = positions.shape
        spacing = (np.prod(box) / count) ** (1 / dimension)
        radii = spacing * np.linspace(0.7, self.reach, self.shells)
        width = radii[1] - radii[0]
        density = radial_densities(
            positions, structure.species, box, radii, width, cutoff=radii[-1] + 2 * width
        ).reshape(count, -1)
        return np.concatenate(list(shell_averages(density, positions, box, 2 * spacing, 1)), axis=1)

    def save(self, folder: Path) -> None:
        """Write plain arrays: a pickled estimator would execute code when it is read."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {
            f"{kind}.{name}": array
            for kind, fitted in self.fitted.items()
            for name, array in fitted.items()
        }
        np.savez(folder / WEIGHTS, target=np.array(self.target), **arrays)

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        with np.load(folder / WEIGHTS, allow_pickle=False) as file:
            self.target = str(file["target"])
            for key in file.files:
                kind, _, name = key.partition(".")
                if name:
                    self.fitted.setdefault(int(kind), {})[name] = file[key]

    def _predict(self, structure: Structure) -> np.ndarray:
        descriptors = self.descriptors(structure)
        prediction = np.empty(len(descriptors))
        for kind in np.unique(structure.species).tolist():
            if kind not in self.fitted:
                raise ValueError(
                    f"configuration {structure.configuration} has species {kind}, which no "
                    f"training configuration had: fitted are {sorted(self.fitted)}"
                )
            w, of_kind = self.fitted[kind], structure.species == kind
            scaled = (descriptors[of_kind] - w["mean"]) / w["scale"]
            cosines = np.cos(scaled @ w["directions"] + w["phases"])
            cosines *= np.sqrt(2 / len(w["phases"]))
            prediction[of_kind] = cosines @ w["slopes"] + w["intercept"]
        return prediction
