"""Which particles rearrange, from the response to the load and its surroundings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from glassbench.model import Example, Run, Structure
from glassbench.potentials import Interaction, check_interaction, interaction
from glassbench.regression import DescriptorModel, LinearMap
from glassbench.regression.memory import DescriptorMemory
from glassbench.structure import shell_average_matrix

from .response import Unloaded, response_measures, unloaded_response

UNDER_LOAD = DescriptorMemory(capacity_bytes=2**30)
DECIMALS = 9  # of measures of order 1; what is smaller is rounding
GROUPS = ("state", "cage", "response", "change", "softening")


class LoadResponse(DescriptorModel):
    """Logistic regression on the linear response of the glass to its load.

    The structure must be a minimum of the energy. Lengths are in the unit of the positions. It
    learns from all particles that rearrange and from `others` drawn ones of each structure, which
    weigh as much; the prediction is a probability on balanced sets.

    Parameters
    ----------
    potential : `lennard_jones_2d`, or `embedded_atom` for copper-zirconium
    file : path of the embedded-atom potential (eam/fs); where empty, the one that LAMMPS ships
    cage_radii : beyond which all is held fixed for the compliance of a cage
    softening_radius : of the cages of which it is asked how the load changes them; 0 for none
    strain_radius : of the neighbours whose motion gives the local strain
    averages : reaches r_c of the averages over neighbours, weights exp(-r / r_c) within r_c
    groups : of measures, some of `state`, `cage`, `response`, `change` and `softening`
    strength : s of the loss, mean log-likelihood + s |w|^2 / 2 of standardised measures
    others : particles that do not rearrange, drawn for each structure and load
    """

    learns_from_chosen = False

    def __init__(
        self,
        potential: str,
        file: str,
        cage_radii: Sequence[float],
        softening_radius: float,
        strain_radius: float,
        averages: Sequence[float],
        groups: Sequence[str],
        strength: float,
        others: int,
    ) -> None:
        super().__init__([strength], by_species=False)
        check_interaction(potential)
        unknown = set(groups) - set(GROUPS)
        if unknown or not groups:
            raise ValueError(f"groups {list(groups)} must be some of {', '.join(GROUPS)}")
        self.potential, self.file = potential, file
        self.cage_radii, self.strain_radius = tuple(cage_radii), strain_radius
        self.softening_radius = softening_radius
        self.averages, self.groups = tuple(averages), tuple(groups)
        self.others, self.seed = others, 0

    def fit(self, train: Sequence[Example], valid: Sequence[Example], run: Run) -> None:
        """Fit on `train`; `valid` is not used."""
        self.seed = run.seed
        super().fit(train, valid, run)

    def settings(self) -> dict[str, object]:
        """Return all on which the response without a load depends."""
        names = ("potential", "file", "cage_radii", "softening_radius")
        return {name: getattr(self, name) for name in names}

    def descriptors(self, structure: Structure) -> np.ndarray:
        """Return what needs no load, the same for all loads of a sample: (N, F)."""
        unloaded = unloaded_response(
            structure, self._system(), self.cage_radii, self.softening_radius
        )
        return unloaded.packed()

    def under_load(self, structure: Structure) -> np.ndarray:
        """Return measures of the response to the load, and their averages: (N, F)."""
        if structure.frame is None:
            raise ValueError(
                f"configuration {structure.configuration} has no frame: this model needs a load"
            )
        unloaded = Unloaded.unpacked(super()._described(structure), len(structure.box))
        measures = response_measures(unloaded, structure, self._system(), self.strain_radius)
        own = [m for name, m in measures.items() if name.partition(".")[0] in self.groups]
        own = np.stack(own, axis=1).round(DECIMALS)
        matrices = (
            shell_average_matrix(structure.positions, structure.box, reach)
            for reach in self.averages
        )
        return np.concatenate([own, *(a @ own for a in matrices)], axis=1)

    def _fit(self, train, valid) -> dict[int, float | None]:
        """Fit the regression; nothing is chosen."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.preprocessing import StandardScaler

        generator = np.random.default_rng(self.seed)
        measures, labels = [], []
        for example in train:
            positive = example.targets[self.target] > 0
            others = np.flatnonzero(~positive)
            others = generator.choice(others, min(self.others, len(others)), replace=False)
            chosen = np.concatenate([np.flatnonzero(positive), others])
            measures.append(self._described(example.structure)[chosen])
            labels.append(positive[chosen])
        features, label = np.concatenate(measures), np.concatenate(labels)
        if label.all() or not label.any():
            raise ValueError("the training particles are all of one class: both are needed")
        scaler = StandardScaler().fit(features)
        cost = 1 / (self.strengths[0] * len(label))
        regression = LogisticRegression(C=cost, class_weight="balanced", solver="newton-cholesky")
        regression.fit(scaler.transform(features), label)
        slopes = regression.coef_[0] / scaler.scale_
        intercept = float(regression.intercept_[0] - slopes @ scaler.mean_)
        self.maps, self.chosen = {0: LinearMap(slopes, intercept)}, {0: self.strengths[0]}
        return {0: None}

    def _predict(self, structure: Structure) -> np.ndarray:
        return expit(super()._predict(structure))

    def _described(self, structure: Structure) -> np.ndarray:
        settings = dict(self.settings())
        for name in ("strain_radius", "averages", "groups"):
            settings[name] = getattr(self, name)
        return UNDER_LOAD.get(repr(settings), structure, self.under_load, settings)

    def _system(self) -> Interaction:
        return interaction(self.potential, self.file)
