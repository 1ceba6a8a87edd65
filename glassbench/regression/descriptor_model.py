"""A model that regresses a particle target linearly on descriptors, one regression a species."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from ..home.cache import current_cache
from ..model import Condition, Example, Predictions, Progress, Run, Structure
from .memory import DescriptorMemory
from .ridge import Group, LinearMap, Moments, choose_strength, merge, ridge

REMEMBERED = DescriptorMemory(capacity_bytes=2**30)
FILE_NAME = "linear_maps.npz"
FOLDS = 5


class DescriptorModel:
    """Base class of models that are a ridge regression on descriptors of each particle.

    y_i = b_s + w_s . x_i, with s the species of particle i

    A subclass gives `descriptors`; the harness gives regression, choice of the ridge
    strength, memory of descriptors, saving and loading. Where an example has a balanced set,
    the regression is that of its particles: for a label one of 0 and 1, so that 1/2 divides
    the classes.

    Parameters
    ----------
    strengths : ridge strengths to choose from (see `ridge`); a single one is taken as it is
    by_species : one regression for each species; else one for all, which keeps the order
        in which a single descriptor ranks the particles
    """

    learns_from_chosen = True

    def __init__(self, strengths: Sequence[float] = (0.0,), by_species: bool = True) -> None:
        self.by_species = by_species
        self.strengths = tuple(float(strength) for strength in strengths)
        if not self.strengths or min(self.strengths) < 0:
            raise ValueError(f"strengths {list(strengths)} must be one number >= 0 at least")
        self.target = ""
        self.threads = 1
        self.maps: dict[int, LinearMap] = {}
        self.chosen: dict[int, float] = {}

    def descriptors(self, structure: Structure) -> np.ndarray:
        """Return what describes each particle's surroundings: (N, F).

        The structure carries no frame: these descriptors do not depend on the load.
        """
        raise TypeError(f"{type(self).__name__} must define `descriptors`")

    def settings(self) -> Mapping[str, object]:
        """Return all on which `descriptors` depends beside the structure, by name."""
        return {}

    @property
    def parameters(self) -> int | None:
        """Return the number of fitted parameters, once there are any."""
        if not self.maps:
            return None
        return sum(len(each.slopes) + 1 for each in self.maps.values())

    def fit(self, train: Sequence[Example], valid: Sequence[Example], run: Run) -> None:
        """Fit one regression per species of `train`; `valid` serves to choose the strength."""
        conditions = {example.condition for example in train}
        if len(conditions) != 1:
            raise ValueError(
                f"{type(self).__name__} fits one condition at a time and was given "
                f'{len(conditions)}: set conditions_per_fit = "one" in model.toml'
            )
        self.target, self.threads = run.target, run.threads
        with threadpool_limits(limits=run.threads, user_api="blas"):
            self._share_work([example.structure for part in (train, valid) for example in part])
            scores = self._fit(train, valid)
        run.report(Progress(epoch=1, epochs=1, validation_score=scores[min(scores)]))

    def predict(
        self, structures: Sequence[Structure], condition: Condition
    ) -> Sequence[Predictions]:
        """Return the target of every particle of each structure."""
        with threadpool_limits(limits=self.threads, user_api="blas"):
            self._share_work(structures)
            return [{self.target: self._predict(structure)} for structure in structures]

    def save(self, folder: Path) -> None:
        """Write the fitted regressions."""
        folder.mkdir(parents=True, exist_ok=True)
        species = sorted(self.maps)
        np.savez(
            folder / FILE_NAME,
            target=np.array(self.target),
            species=np.array(species, dtype=np.int64),
            strengths=np.array([self.chosen[s] for s in species]),
            slopes=np.stack([self.maps[s].slopes for s in species]),
            intercepts=np.array([self.maps[s].intercept for s in species]),
        )

    def load(self, folder: Path) -> None:
        """Read regressions that `save` wrote; nothing in the file is executed."""
        with np.load(folder / FILE_NAME, allow_pickle=False) as file:
            self.target = str(file["target"])
            species = file["species"].tolist()
            self.chosen = dict(zip(species, file["strengths"].tolist(), strict=True))
            self.maps = {
                s: LinearMap(slopes, float(intercept))
                for s, slopes, intercept in zip(
                    species, file["slopes"], file["intercepts"], strict=True
                )
            }

    def _fit(self, train, valid) -> dict[int, float | None]:
        """Fit every species; return the scores with which strengths were chosen."""
        choosing = len(self.strengths) > 1
        train_groups = self._groups(train, FOLDS if choosing else 1)
        valid_groups = self._groups(valid, 1) if choosing else {}
        self.maps, self.chosen, scores = {}, {}, {}
        for species, groups in sorted(train_groups.items()):
            strength, score = self.strengths[0], None
            if choosing:
                held_out = next(iter(valid_groups.get(species, ())), None)
                strength, score = choose_strength(groups, held_out, self.strengths)
            self.maps[species] = ridge(merge(g.merged for g in groups), [strength])[0]
            self.chosen[species], scores[species] = strength, score
        return scores

    def _share_work(self, structures: Sequence[Structure]) -> None:
        """Describe structures in an order of this process's own, where there is a cache.

        Trials side by side then each describe a part of them, and read the rest.
        """
        if current_cache() is None:
            return
        for index in np.random.default_rng(os.getpid()).permutation(len(structures)):
            self._described(structures[index])

    def _described(self, structure: Structure) -> np.ndarray:
        settings = (type(self).__module__, type(self).__qualname__, repr(self.settings()))
        unloaded = replace(structure, frame=None)
        return REMEMBERED.get(settings, unloaded, self.descriptors, dict(self.settings()))

    def _kinds(self, structure: Structure) -> np.ndarray:
        """Return which regression serves each particle: (N,)."""
        return structure.species if self.by_species else np.zeros_like(structure.species)

    def _groups(self, examples: Sequence[Example], folds: int) -> dict[int, list[Group]]:
        """Return moments of up to `folds` runs of consecutive configurations, by species.

        Consecutive configurations stay together, since those of one parent sample
        stand together.
        """
        folds = min(folds, len(examples))
        groups: dict[int, dict[int, Group]] = {}
        for index, example in enumerate(examples):
            fold = index * folds // len(examples)
            features = self._described(example.structure)
            target, kinds = example.targets[self.target], self._kinds(example.structure)
            if example.balanced is not None:
                chosen = example.balanced
                features, target, kinds = features[chosen], target[chosen], kinds[chosen]
            for species in np.unique(kinds).tolist():
                of_species = kinds == species
                moments = Moments.of(features[of_species], target[of_species])
                of_folds = groups.setdefault(species, {})
                present = of_folds.get(fold)
                of_folds[fold] = (
                    present.with_configuration(moments) if present else Group.of(moments)
                )
        return {species: list(of_folds.values()) for species, of_folds in groups.items()}

    def _predict(self, structure: Structure) -> np.ndarray:
        features = self._described(structure)
        prediction = np.empty(len(features))
        kinds = self._kinds(structure)
        for species in np.unique(kinds):
            if int(species) not in self.maps:
                raise ValueError(
                    f"configuration {structure.configuration} has species {species}, which no "
                    f"training configuration had: fitted are {sorted(self.maps)}"
                )
            of_species = kinds == species
            prediction[of_species] = self.maps[int(species)](features[of_species])
        return prediction
