"""A dataset as a task sees it: conditions, splits, structures, targets, halves.

An axis of the task is an attribute or a coordinate of the dataset's states, so
that nothing here knows a task. Where a state has loading protocols, every sample
gives one structure for each protocol under which it was deformed, with the frame
of that load and the name `<sample>@<protocol>`.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np

from ..contract.errors import DatasetError
from ..contract.task import DYNAMICS, INPUT_TIERS, Task
from ..model import OTHER_POSITIONS, Condition, Example, Structure, as_read
from .labels import Labels, balanced_set
from .state import State
from .store import Dataset, open_dataset

STRUCTURES_IN_MEMORY = 64


def open_view(task: Task, path: Path, reads: Sequence[str] = INPUT_TIERS) -> View:
    """Open the dataset at `path` for a task; structures carry the tiers of input in `reads`."""
    view = View(task, open_dataset(path), tuple(reads))
    if not view.conditions():
        raise DatasetError(
            f"dataset {path} holds no `{view.stored_as(task.target)}`, which task {task.name} needs"
        )
    return view


class Member(NamedTuple):
    """One structure of a dataset: a configuration, under one load where there are loads."""

    state: str
    configuration: int
    protocol: str | None


class View:
    """A task's window on a dataset. Nothing is read before it is asked for."""

    def __init__(self, task: Task, dataset: Dataset, reads: tuple[str, ...]) -> None:
        self.task, self.dataset, self.reads = task, dataset, reads
        self._structure = lru_cache(maxsize=STRUCTURES_IN_MEMORY)(self._read_structure)

    def __reduce__(self) -> tuple[Any, ...]:
        return View, (self.task, self.dataset, self.reads)

    @property
    def digest(self) -> str:
        """Content digest of the dataset."""
        return self.dataset.digest

    def stored_as(self, target: str) -> str:
        """Return the name of the stored quantity from which a target comes."""
        return self.task.targets[target].label_of or target

    def conditions(self, split: str | None = None) -> tuple[Condition, ...]:
        """Return every point on the task's axes at which the dataset holds its target.

        With a split, only those at whose state the split has a configuration: a model can
        be fitted where there is something to train on.
        """
        axes = [axis.name for axis in self.task.axes]
        return tuple(
            Condition.of(**dict(zip(axes, values, strict=True)))
            for state in map(self.dataset.state, self.dataset.states)
            if self.stored_as(self.task.target) in state.variables
            and (split is None or split in state.splits)
            for values in itertools.product(*map(state.axis_values, axes))
        )

    def attribute(self, condition: Condition, name: str) -> float | None:
        """Return a number that the dataset states about a condition, where it is known."""
        value = self._state(condition).attributes.get(name)
        return None if value is None else float(value)

    def species_name(self, condition: Condition, kind: int) -> str:
        """Return the name of a species in the state of a condition, such as Cu."""
        return self._state(condition).species_name(kind)

    def examples(self, split: str, conditions: Sequence[Condition]) -> Examples:
        """Return structures with their targets, for every configuration and condition."""
        return Examples(self, [(m, c) for c in conditions for m in self._members(split, c)])

    def structures(self, split: str, condition: Condition) -> list[Structure]:
        """Return the structures of a split, without anything about their future."""
        return [self.structure(member) for member in self._members(split, condition)]

    def structure(self, member: Member) -> Structure:
        """Return one structure; its arrays are read-only, and copies of what is kept.

        torch, for one, writes into arrays that are read-only.
        """
        kept = self._structure(member)
        dynamics = kept.dynamics and {n: read_only(v.copy()) for n, v in kept.dynamics.items()}
        arrays: dict[str, Any] = {
            name: read_only(values.copy())
            for name, values in vars(kept).items()
            if isinstance(values, np.ndarray)
        }
        return replace(kept, dynamics=dynamics, **arrays)

    def parents(self, split: str, condition: Condition) -> list[str]:
        """Return, for each structure of a split, the independent sample it comes from."""
        parents = self._state(condition).parents
        return [parents[member.configuration] for member in self._members(split, condition)]

    def halves(
        self, target: str, condition: Condition, configuration: str
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None] | None:
        """Return a target averaged over each half of the trajectories, or of the time.

        (first, second, pairs), for pair targets on the pairs (C, 2) that have halves, else
        with `pairs` None; None where the dataset stores no halves.
        """
        member = self._member(condition, configuration)
        state, index, at = self._located(member, condition)
        if not state.has_halves(index, target, **at):
            return None
        first, second = state.halves(index, target, **at)
        pairs = None
        if self.task.targets[target].per == "pair":
            pairs = state.pairs(index)[state.close_pair_index(index)].astype(np.int64)
        return first, second, pairs

    def repeat(self, condition: Condition, configuration: str) -> Mapping[str, np.ndarray] | None:
        """Return what a second measurement of the task's labels says, as predictions.

        By label target `Labels.score` (N,); None where there was no second measurement.
        """
        member = self._member(condition, configuration)
        readers = {name: self._label_reader(name, member, condition) for name in self._labels()}
        return {n: labels.score() for n, labels in readers.items() if labels.repeated} or None

    def targets(self, member: Member, condition: Condition) -> Mapping[str, np.ndarray]:
        """Return the task's targets that the dataset holds for one structure."""
        state, index, at = self._located(member, condition)
        targets = {}
        for name in self.task.targets:
            if not state.holds(index, self.stored_as(name), **at):
                continue
            if name in self._labels():
                positive = self._label_reader(name, member, condition).positive
                targets[name] = positive.astype(np.float32)
            else:
                targets[name] = state.values(index, name, **at)
        return targets

    def balanced(self, member: Member, condition: Condition) -> np.ndarray | None:
        """Return the balanced set (M,) of the task's target, or None where it is no label."""
        if self.task.target not in self._labels():
            return None
        labels = self._label_reader(self.task.target, member, condition)
        return balanced_set(labels.positive, labels.negatives)

    def _labels(self) -> tuple[str, ...]:
        return tuple(name for name, target in self.task.targets.items() if target.label_of)

    def _label_reader(self, target: str, member: Member, condition: Condition) -> Labels:
        state, index, at = self._located(member, condition)
        return Labels(state, index, self.task.targets[target].label_of, at)

    def _members(self, split: str, condition: Condition) -> list[Member]:
        """Return the structures of a split that have the task's target at a condition."""
        state = self._state(condition)
        protocols: list[str | None] = [None]
        if "protocol" in state.coordinates:
            protocols = [str(name) for name in state.short("protocol")]
        stored = self.stored_as(self.task.target)
        return [
            member
            for index in state.configurations(split)
            for member in (Member(state.name, int(index), protocol) for protocol in protocols)
            if state.holds(member.configuration, stored, **self._located(member, condition)[2])
        ]

    def _member(self, condition: Condition, name: str) -> Member:
        """Return the structure of a name, whatever its split."""
        state = self._state(condition)
        configuration, _, protocol = name.partition("@")
        if "protocol" not in state.coordinates:
            configuration, protocol = name, ""
        return Member(state.name, state.configuration_ids.index(configuration), protocol or None)

    def _located(
        self, member: Member, condition: Condition
    ) -> tuple[State, int, dict[str, float | str]]:
        """Return state, index and coordinates at which a structure's arrays are read."""
        state = self.dataset.state(member.state)
        at: dict[str, float | str] = {a: v for a, v in condition.items() if a in state.coordinates}
        if member.protocol is not None:
            at["protocol"] = member.protocol
        return state, member.configuration, at

    def _state(self, condition: Condition) -> State:
        """Return the state whose attributes are those of the condition."""
        states = [self.dataset.state(name) for name in self.dataset.states]
        for axis, value in condition.items():
            fitting = [
                state
                for state in states
                if np.isclose(state.axis_values(axis), value, rtol=1e-6, atol=0).any()
            ]
            if not fitting:
                known = sorted({v for state in states for v in state.axis_values(axis)})
                raise DatasetError(
                    f"dataset {self.dataset.path} has no {axis} {value:g} here: it has "
                    f"{', '.join(f'{v:g}' for v in known)}"
                )
            states = fitting
        return states[0]

    def _read_structure(self, member: Member) -> Structure:
        state, index = self.dataset.state(member.state), member.configuration
        arrays = state.structure_arrays(index)
        pairs = None
        if "pair_first" in state.variables:
            pairs = state.pairs(index).astype(np.int64)
        optional: dict[str, Any] = {
            name: arrays[name].astype(np.float64)
            for name, tier in OTHER_POSITIONS.items()
            if tier in self.reads and name in arrays
        }
        known = [name for name in DYNAMICS if name in state.variables]
        if "dynamics" in self.reads and known:
            optional["dynamics"] = {name: state.values(index, name) for name in known}
        name = str(arrays["configuration"])
        if member.protocol is not None:
            optional["frame"] = state.shared("frame", protocol=member.protocol).copy()
            name = f"{name}@{member.protocol}"
        structure = Structure(
            positions=arrays["positions"].astype(np.float64),
            species=arrays["species"],
            box=arrays["box"].copy(),
            configuration=name,
            pairs=pairs,
            **optional,
        )
        try:
            return as_read(structure, self.reads)
        except ValueError as error:
            raise DatasetError(
                f"dataset {self.dataset.path}: {error}, which the model reads: `glassbench data "
                "prepare` makes them where the potential is known, or take model.positions=thermal"
            ) from None


class Examples(Sequence[Example]):
    """Examples that are read when they are asked for."""

    def __init__(self, view: View, entries: Sequence[tuple[Member, Condition]]) -> None:
        self.view, self.entries = view, list(entries)

    def __len__(self) -> int:
        return len(self.entries)

    @overload
    def __getitem__(self, position: int) -> Example: ...
    @overload
    def __getitem__(self, position: slice) -> Examples: ...

    def __getitem__(self, position: int | slice) -> Example | Examples:
        if isinstance(position, slice):
            return Examples(self.view, self.entries[position])
        member, condition = self.entries[position]
        balanced = self.view.balanced(member, condition)
        targets = self.view.targets(member, condition)
        return Example(
            structure=self.view.structure(member),
            condition=condition,
            targets={name: read_only(values) for name, values in targets.items()},
            balanced=None if balanced is None else read_only(balanced),
        )


def read_only(values: np.ndarray) -> np.ndarray:
    """Return `values` closed for writing: a model cannot change what it is given."""
    values.setflags(write=False)
    return values
