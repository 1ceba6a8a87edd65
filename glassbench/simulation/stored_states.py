"""States that another dataset holds, in place of making them again.

A temperature or a cooling rate costs hours; a dataset that gains one keeps those that it has. A
piece of kind `stored` holds all files of a state as they lie in the store of that dataset, so
that nothing is decoded and packed a second time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from ..contract.errors import UserError
from ..datasets.layout import ConfigurationEntry
from ..datasets.reading import member_names, whole_members
from ..datasets.store import Dataset, open_dataset
from .generator import Plan, PlannedState
from .pieces import Piece, read_piece

KIND = "stored"
StorableType = TypeVar("StorableType", bound="StorableState")


@dataclass(frozen=True)
class StateRecipe:
    """What a plan says of a state, to be compared with what a dataset holds."""

    name: str
    configurations: tuple[ConfigurationEntry, ...]
    attributes: Mapping[str, object]  # of the state, else of the dataset; plain values
    axes: Mapping[str, Sequence[float]]


class StorableState(PlannedState, Protocol):
    def recipe(self) -> StateRecipe: ...


def with_stored_states(plan: Plan[StorableType], path: Path) -> list[Piece]:
    """Return the pieces of a plan, each state that the dataset at `path` holds taken from there.
    It must hold one at least, and none that was made in another way than the plan says.
    """
    dataset = open_dataset(path)
    if not set(dataset.states) & {state.name for state in plan.states}:
        names = ", ".join(state.name for state in plan.states)
        raise UserError(
            f"samples={path}: dataset {dataset.name} holds {', '.join(dataset.states)}, and the "
            f"plan has {names}: leave the word out to make them"
        )
    pieces = []
    for state in plan.states:
        if state.name in dataset.states:
            _refuse_other_making(dataset, state.recipe())
            where = {"dataset": str(path.absolute()), "state": state.name}
            pieces.append(Piece(_piece_name(state.name), KIND, where, here=True))
        else:
            pieces += state.pieces()
    return pieces


def _piece_name(state: str) -> str:
    return f"{state}-{KIND}"


def make_stored(piece: Piece, folder: Path) -> dict[str, np.ndarray]:
    """Read the files of a state: by their names below the root of the store, their bytes."""
    path, state = piece.arguments["dataset"], piece.arguments["state"]
    simulator = open_dataset(path).attributes.get("simulator")
    names = [name for name in member_names(path) if name.startswith(f"{state}/")]
    arrays = {}
    for name, content in whole_members(path, names):
        if name == f"{state}/zarr.json" and simulator:
            document = json.loads(content)
            document["attributes"] = {"simulator": simulator} | document["attributes"]
            content = json.dumps(document, indent=2).encode()
        arrays[name] = np.frombuffer(content, dtype=np.uint8)
    return arrays


STORED_STATE_WORK = {KIND: make_stored}


def write_stored_state(state: str, folder: Path, directory: Path) -> None:
    """Write the files of a stored state, a piece in `folder`, into the store at `directory`."""
    for name, content in read_piece(folder, _piece_name(state)).items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.tobytes())


def refuse_other(dataset: Dataset, what: str, name: str, stored: object, wanted: object) -> None:
    """Refuse to take from a dataset what the plan would have made otherwise."""
    if stored != wanted:
        raise UserError(
            f"samples={dataset.path}: {what} was made there with {name} = {stored}, "
            f"and the plan has {wanted}: leave the word out"
        )


def _refuse_other_making(dataset: Dataset, recipe: StateRecipe) -> None:
    state = dataset.state(recipe.name)
    known = {**dataset.attributes, **state.attributes}
    for name, wanted in json.loads(json.dumps(recipe.attributes)).items():
        refuse_other(dataset, recipe.name, name, known.get(name), wanted)
    for name, values in recipe.axes.items():
        refuse_other(dataset, recipe.name, name, list(state.axis_values(name)), list(values))
    entries = zip(state.configuration_ids, state.splits, state.parents, strict=True)
    if tuple(ConfigurationEntry(*entry) for entry in entries) != recipe.configurations:
        raise UserError(
            f"samples={dataset.path}: {recipe.name} has other configurations or splits there "
            "than in the plan: leave the word out"
        )
