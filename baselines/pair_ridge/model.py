"""Ridge regression of a pair target on the surroundings of both ends."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from glassbench.model import Condition, Example, Predictions, Progress, Run, Structure
from glassbench.regression import Group, LinearMap, Moments, choose_strength, merge, ridge

from .descriptors import pair_descriptors

FOLDS = 5


class PairRidge:
    """One ridge regression for each pair of species, near and far pairs apart.

    Lengths are in the unit of the positions.

    Parameters
    ----------
    degree : highest power of the distance
    smallest_radius, fine_step, fine_until, coarse_step, largest_radius : the radii of the shells
    shell_cutoff, rounds : reach of one average over neighbours, and how often it is taken
    near : distance that parts near pairs from far ones
    strengths : ridge strengths to choose from

    Raises
    ------
    ValueError
        If a number is out of its range, or the radii do not increase.
    """

    def __init__(
        self,
        degree: int,
        smallest_radius: float,
        fine_step: float,
        fine_until: float,
        coarse_step: float,
        largest_radius: float,
        shell_cutoff: float,
        rounds: int,
        near: float,
        strengths: Sequence[float],
    ) -> None:
        if degree < 1:
            raise ValueError(f"degree {degree} is below 1")
        if rounds < 0:
            raise ValueError(f"rounds {rounds} is below 0")
        for name, length in (
            ("fine_step", fine_step),
            ("coarse_step", coarse_step),
            ("shell_cutoff", shell_cutoff),
            ("near", near),
        ):
            if not length > 0:
                raise ValueError(f"{name} {length} must be greater than 0")
        if not strengths or min(strengths) < 0:
            raise ValueError(f"strengths {list(strengths)} must be one number >= 0 at least")
        if not 0 < smallest_radius < fine_until < largest_radius:
            raise ValueError(
                f"radii {smallest_radius}, {fine_until}, {largest_radius} (smallest, fine until, "
                "largest) must be above 0 and increase: choose others"
            )
        fine = np.arange(smallest_radius, fine_until - fine_step / 2, fine_step)
        coarse = np.arange(fine_until, largest_radius + coarse_step / 2, coarse_step)
        self.radii = tuple(np.concatenate([fine, coarse]).tolist())
        self.degree, self.shell_cutoff, self.rounds, self.near = degree, shell_cutoff, rounds, near
        self.strengths = tuple(float(strength) for strength in strengths)
        self.target = ""
        self.maps: dict[int, LinearMap] = {}

    @property
    def parameters(self) -> int:
        """Return the number of fitted coefficients."""
        return sum(len(each.slopes) + 1 for each in self.maps.values())

    def fit(self, train: Sequence[Example], valid: Sequence[Example], run: Run) -> None:
        """Fit all kinds of pairs; strengths are those that predict held-out configurations best."""
        self.target = run.target
        folds = min(FOLDS, len(train))
        by_fold: dict[int, dict[int, Group]] = {}
        for index, example in enumerate(train):
            for kind, moments in self._moments(example):
                groups = by_fold.setdefault(kind, {})
                fold = index * folds // len(train)
                known = groups.get(fold)
                groups[fold] = known.with_configuration(moments) if known else Group.of(moments)
        self.maps, scores = {}, {}
        for kind, folded in sorted(by_fold.items()):
            groups, strength = list(folded.values()), self.strengths[0]
            if len(self.strengths) > 1 and len(groups) > 1:
                strength, scores[kind] = choose_strength(groups, None, self.strengths)
            self.maps[kind] = ridge(merge(group.merged for group in groups), [strength])[0]
        score = scores[min(scores)] if scores else None
        run.report(Progress(epoch=1, epochs=1, validation_score=score))

    def predict(
        self, structures: Sequence[Structure], condition: Condition
    ) -> Sequence[Predictions]:
        """Return the target of every pair of `structure.pairs`."""
        return [{self.target: self._predict(structure)} for structure in structures]

    def _predict(self, structure: Structure) -> np.ndarray:
        features, kinds = self._described(structure)
        prediction = np.empty(len(kinds))
        for kind in np.unique(kinds).tolist():
            if kind not in self.maps:
                raise ValueError(
                    f"configuration {structure.configuration} has pairs with {kind // 2} B "
                    f"particles {'nearer' if kind % 2 else 'further'} than {self.near}, which no "
                    "training configuration had: choose another `near`"
                )
            prediction[kinds == kind] = self.maps[kind](features[kinds == kind])
        return prediction

    def _moments(self, example: Example):
        """Yield each kind of pair in an example with the moments of its pairs."""
        features, kinds = self._described(example.structure)
        target = np.asarray(example.targets[self.target])
        for kind in np.unique(kinds).tolist():
            yield kind, Moments.of(features[kinds == kind], target[kinds == kind])

    def _described(self, structure: Structure) -> tuple[np.ndarray, np.ndarray]:
        """Return descriptors (P, F) and kinds (P,): twice the number of B, plus 1 where near."""
        features, distances = pair_descriptors(
            structure, self.radii, self.shell_cutoff, self.rounds, self.degree
        )
        species = structure.species.astype(np.int64)[structure.pairs].sum(axis=1)
        return features, 2 * species + (distances < self.near)
