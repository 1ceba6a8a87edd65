"""A dataset as a task sees it: conditions, splits, structures, targets, halves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..model import Condition, Example, Structure
from ..task import INPUT_TIERS, Task
from .errors import DatasetError
from .store import Dataset, open_dataset

STRUCTURES_IN_MEMORY = 64


def open_view(task: Task, path: Path, reads: Sequence[str] = INPUT_TIERS) -> View:
    """Open the dataset at `path` for a task.

    Parameters
    ----------
    reads : tiers of input that structures carry; a model sees those that its card names

    Raises
    ------
    DatasetError
        If there is no dataset, or it does not hold the task's target.
    """
    view = View(task, open_dataset(path), tuple(reads))
    if not view.conditions():
        raise DatasetError(
            f"dataset {path} holds no `{task.target}`, which task {task.name} predicts"
        )
    return view


class View:
    """A task's window on a dataset. Nothing is read before it is asked for."""

    def __init__(self, task: Task, dataset: Dataset, reads: tuple[str, ...]) -> None:
        self.task, self.dataset, self.reads = task, dataset, reads
        self._structure = lru_cache(maxsize=STRUCTURES_IN_MEMORY)(self._read_structure)

    def __reduce__(self):
        return open_view, (self.task, self.dataset.path, self.reads)

    @property
    def digest(self) -> str:
        """Content digest of the dataset."""
        return self.dataset.digest

    def conditions(self) -> tuple[Condition, ...]:
        """Return every temperature and time at which the dataset holds the task's target."""
        return tuple(
            Condition.of(temperature=state.temperature, time=time)
            for state in map(self.dataset.state, self.dataset.states)
            if self.task.target in state.variables
            for time in state.times
        )

    def tau_alpha(self, condition: Condition) -> float | None:
        """Return the structural relaxation time at the condition's temperature, where known."""
        value = self.dataset.state(self._state(condition)).attributes.get("tau_alpha")
        return None if value is None else float(value)  # type: ignore[arg-type]

    def examples(self, split: str, conditions: Sequence[Condition]) -> Examples:
        """Return structures with their targets, for every configuration and condition."""
        entries = [
            (self._state(condition), int(index), condition)
            for condition in conditions
            for index in self._configurations(split, condition)
        ]
        return Examples(self, entries)

    def structures(self, split: str, condition: Condition) -> list[Structure]:
        """Return the structures of a split, without anything about their future."""
        state = self._state(condition)
        return [self._structure(state, int(i)) for i in self._configurations(split, condition)]

    def parents(self, split: str, condition: Condition) -> list[str]:
        """Return, for each configuration of a split, the independent sample it comes from."""
        parents = self.dataset.state(self._state(condition)).parents
        return [parents[index] for index in self._configurations(split, condition)]

    def halves(
        self, target: str, condition: Condition, configuration: str
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None] | None:
        """Return a target averaged over each half of the trajectories.

        Returns
        -------
        (first, second, pairs), for pair targets on the pairs (C, 2) that have
        halves, else with `pairs` None; None where the dataset stores no halves
        """
        state, time = self._state(condition), condition["time"]
        index = self.dataset.state(state).configuration_ids.index(configuration)
        if not self.dataset.has_halves(state, index, time, target):
            return None
        first, second = self.dataset.halves(state, index, time, target)
        pairs = None
        if self.task.targets[target].per == "pair":
            close = self.dataset.close_pair_index(state, index)
            pairs = self.dataset.pairs(state, index)[close].astype(np.int64)
        return first, second, pairs

    def targets(self, state: str, index: int, condition: Condition) -> Mapping[str, np.ndarray]:
        """Return the task's targets that the dataset holds for one configuration."""
        readers = {
            "propensity": self.dataset.propensity,
            "pair_distance_change": self.dataset.pair_distance_change,
        }
        time = condition["time"]
        return {
            name: readers[name](state, index, time)
            for name in self.task.targets
            if name in readers and self.dataset.has_target(state, index, time, name)
        }

    def _configurations(self, split: str, condition: Condition) -> np.ndarray:
        return self.dataset.configurations(self._state(condition), split, condition["time"])

    def _state(self, condition: Condition) -> str:
        temperature = condition["temperature"]
        for name in self.dataset.states:
            if np.isclose(self.dataset.state(name).temperature, temperature, rtol=1e-6):
                return name
        known = ", ".join(f"{self.dataset.state(s).temperature:g}" for s in self.dataset.states)
        raise DatasetError(
            f"dataset {self.dataset.path} has no temperature {temperature:g}: it has {known}"
        )

    def _read_structure(self, state: str, index: int) -> Structure:
        arrays = self.dataset.structure_arrays(state, index)
        pairs = None
        if "pair_first" in self.dataset.state(state).variables:
            pairs = self.dataset.pairs(state, index).astype(np.int64)
        optional = {
            f"{tier}_positions": arrays[f"{tier}_positions"].astype(np.float64)
            for tier in ("inherent", "cage")
            if tier in self.reads and f"{tier}_positions" in arrays
        }
        return Structure(
            positions=arrays["positions"].astype(np.float64),
            species=arrays["species"],
            box=arrays["box"],
            configuration=str(arrays["configuration"]),
            pairs=pairs,
            **optional,
        )


class Examples(Sequence[Example]):
    """Examples that are read when they are asked for."""

    def __init__(self, view: View, entries: Sequence[tuple[str, int, Condition]]) -> None:
        self.view, self.entries = view, list(entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Example]:
        return (self[position] for position in range(len(self)))

    def __getitem__(self, position):
        if isinstance(position, slice):
            return Examples(self.view, self.entries[position])
        state, index, condition = self.entries[position]
        return Example(
            structure=self.view._structure(state, index),
            condition=condition,
            targets=self.view.targets(state, index, condition),
        )
