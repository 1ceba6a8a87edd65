"""A fitted model, ready for any structure: the fits of all seeds and conditions together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..contract.conditions import condition_of
from ..contract.errors import SourceError, UserError
from ..contract.model_card import ModelCard
from ..contract.task import Task
from ..datasets.formats import Frame, name_of, read_frames, structure_of
from ..datasets.formats.frame import TIERS
from ..model import OTHER_POSITIONS, Condition, Model, Structure, as_read, with_positions
from .likeness import Training, arrays_of, unlike
from .predictions import Asked
from .stages import predict

SPREAD = "_spread"
# What a model may read of a structure beside its positions.
MEANINGS = {
    "inherent_positions": "positions in the inherent structure",
    "cage_positions": "positions averaged within the cage",
    "narrow_cage_positions": "positions averaged within a narrower cage",
    "wide_cage_positions": "positions averaged within a wider cage",
    "vibrational_msd": "short-time dynamics",
}
MADE = "have them made by naming the potential, such as potential=kob_andersen, "


@dataclass(frozen=True)
class Fit:
    """One fit: its seed, the conditions that it serves, and the model."""

    seed: int
    conditions: tuple[Condition, ...]
    model: Model


@dataclass(frozen=True)
class FittedModel:
    """A model as it was trained on one dataset of a task, with one fit or more.

    `folders` are where the fits lie, in the order of `fits`.
    """

    card: ModelCard
    task: Task
    training: Training
    hyperparameters: Mapping[str, Any]
    fits: tuple[Fit, ...]
    folders: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        return self.card.name

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions that can be asked about."""
        return tuple(dict.fromkeys(c for fit in self.fits for c in fit.conditions))

    @property
    def reads(self) -> list[str]:
        """What the model reads beside thermal positions, by the names of a file."""
        return arrays_read(self.card, self.hyperparameters, self.training.arrays)

    def condition(self, **values: float) -> Condition:
        """Return the condition of these values; an axis with a single one may be left out."""
        return condition_of(self.conditions, values)

    def read(
        self, path: Path | str, called: Mapping[str, str] | None = None, load: str = ""
    ) -> list[Structure]:
        """Return the structures of a file, with the species and the dimension of training.

        Parameters
        ----------
        called : names of species by the labels of the file, such as `{"1": "A"}`
        load : name of the load, for a model of deformed glasses
        """
        path = Path(path)
        return [self.structure(path, frame, called, load) for frame in read_frames(path)]

    def structure(
        self, path: Path, frame: Frame, called: Mapping[str, str] | None = None, load: str = ""
    ) -> Structure:
        """Return the structure of one frame, see `read`."""
        training, name = self.training, name_of(path, frame)
        try:
            structure = structure_of(
                frame,
                name,
                dimension=training.dimension,
                species=training.species,
                called=called,
            )
        except SourceError as error:
            raise SourceError(f"{path}, frame {frame.number}: {error}") from None
        return replace(structure, frame=self._frame(load))

    def _frame(self, load: str) -> np.ndarray | None:
        loads = self.training.states[0].loads
        if not loads:
            if load:
                raise UserError(f"`load={load}`: {self.task.name} has no loads, leave it out")
            return None
        if load not in loads:
            raise UserError(
                f"{self.name} predicts what a load does: say which, load={next(iter(loads))}, of "
                f"{', '.join(loads)}"
            )
        return np.array(loads[load])

    def predict(
        self,
        structures: Sequence[Structure],
        condition: Condition | None = None,
        **values: float,
    ) -> list[dict[str, np.ndarray]]:
        """Return, for each structure, its predictions (N,) by target, averaged over the seeds.

        Where there are several seeds, `<target>_spread` is their standard deviation. A condition
        may be given by its values, as `time=16.5`.
        """
        condition = condition or self.condition(**values)
        fits = [fit for fit in self.fits if condition in fit.conditions]
        if not fits:
            known = "; ".join(each.name for each in self.conditions)
            raise UserError(f"{self.name} was not trained at {condition.name}: it was at {known}")
        return [self._predict(structure, condition, fits) for structure in structures]

    def _predict(
        self, structure: Structure, condition: Condition, fits: Sequence[Fit]
    ) -> dict[str, np.ndarray]:
        asked = Asked(self.name, self.task, condition)
        refuse_missing(structure.configuration, arrays_of(structure), self.reads, self.name)
        # What the training structures lacked, some models take no notice of only if it is absent.
        unseen: dict[str, Any] = dict.fromkeys(set(OTHER_POSITIONS) - set(self.training.arrays))
        structure = as_read(replace(structure, **unseen), self.card.reads)
        answers: list[dict[str, np.ndarray]] = []
        for fit in fits:
            try:
                answers += predict(fit.model, asked, {"": structure}).values()
            except UserError:
                raise
            except ValueError as error:
                hint = " (`replicate=2` does it)" if "replicate" in str(error) else ""
                where = structure.configuration or "the structure"
                raise UserError(f"{where}: {self.name}: {error}{hint}") from error
        columns: dict[str, np.ndarray] = {}
        for target in answers[0]:
            if target in self.task.targets and self.task.targets[target].per == "particle":
                values = np.stack([answer[target] for answer in answers])
                columns[target] = values.mean(axis=0) if len(values) > 1 else values[0]
                if len(values) > 1:
                    columns[target + SPREAD] = values.std(axis=0, ddof=1)
        return columns

    def unlike(
        self, structure: Structure, condition: Condition, facts: Mapping[str, Any] | None = None
    ) -> Iterator[str]:
        """Yield how a structure differs from those that the model was trained on, in numbers."""
        return unlike(structure, self.training, condition, facts or {})


def arrays_read(
    card: ModelCard, hyperparameters: Mapping[str, Any], held: Collection[str]
) -> list[str]:
    """Return what a model reads beside thermal positions, of what the training structures held.

    Of each tier these are the arrays that hyperparameters name, as `narrow_cage`, or the first.
    """
    lists = [v if isinstance(v, list | tuple) else [v] for v in hyperparameters.values()]
    named = {str(value) for values in lists for value in values}
    read: list[str] = []
    for tier in card.reads:
        arrays = [name for name, own in TIERS.items() if own == tier]
        read += [name for name in arrays if name.removesuffix("_positions") in named] or arrays[:1]
    return [name for name in read if name in held]


def refuse_missing(name: str, present: Collection[str], reads: Sequence[str], model: str) -> None:
    """Refuse a structure that lacks arrays which a model reads, with what can be done."""
    missing = [array for array in reads if array not in present]
    if missing:
        lacks = " and ".join(f"{MEANINGS[array]} (`{array}`)" for array in missing)
        raise UserError(
            f"{name or 'the structure'} lacks what {model} reads: {lacks}. Add them to the file "
            f"as columns of these names, {MADE if set(missing) & set(OTHER_POSITIONS) else ''}or "
            "take a model that reads `thermal` alone (`glassbench models`)"
        )


def replicated(structure: Structure, times: int) -> Structure:
    """Return a structure repeated along each axis; the first N particles are its own."""
    shifts = np.stack(np.meshgrid(*[np.arange(times)] * len(structure.box), indexing="ij"), -1)
    shifts = shifts.reshape(-1, 1, len(structure.box)) * structure.box
    dynamics = structure.dynamics and {
        name: np.tile(values, len(shifts)) for name, values in structure.dynamics.items()
    }
    return with_positions(
        structure,
        lambda positions: (positions + shifts).reshape(-1, len(structure.box)),
        species=np.tile(structure.species, len(shifts)),
        box=structure.box * times,
        dynamics=dynamics,
    )
