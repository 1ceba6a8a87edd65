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

import numpy as np

from ..contract.errors import UserError
from ..datasets.layout import ConfigurationEntry
from ..datasets.opening import member_names, read_members
from ..datasets.store import Dataset, open_dataset
from .pieces import Piece, read_piece

KIND = "stored"


@dataclass(frozen=True)
class PlannedState:
    """What a plan says of a state, to be compared with what a dataset holds.

    Attributes
    ----------
    attributes : of the state or, where it has none of the name, of the dataset; plain values
    axes : the values along the axes of the state
    """

    name: str
    configurations: tuple[ConfigurationEntry, ...]
    attributes: Mapping[str, object]
    axes: Mapping[str, Sequence[float]]


def held_states(planned: Sequence[PlannedState], path: Path | str) -> set[str]:
    """Return the names of those planned states that the dataset at `path` holds.

    Raises
    ------
    UserError
        If it holds none, or one that was made in another way or with other configurations.
    """
    dataset = open_dataset(path)
    found = [state for state in planned if state.name in dataset.states]
    if not found:
        names = ", ".join(state.name for state in planned)
        raise UserError(
            f"samples={path}: dataset {dataset.name} holds {', '.join(dataset.states)}, and the "
            f"plan has {names}: leave the word out to make them"
        )
    for state in found:
        _check_same(dataset, state)
    return {state.name for state in found}


def stored_piece(state: str, path: Path | str) -> Piece:
    """Return the piece that holds a state as the dataset at `path` holds it."""
    where = {"dataset": str(Path(path).absolute()), "state": state}
    return Piece(_piece_name(state), KIND, where, here=True)


def _piece_name(state: str) -> str:
    return f"{state}-{KIND}"


def make_stored(request: dict) -> dict[str, np.ndarray]:
    """Read the files of a state: by their names below the root of the store, their bytes."""
    path, state = request["arguments"]["dataset"], request["arguments"]["state"]
    simulator = open_dataset(path).attributes.get("simulator")
    names = [name for name in member_names(path) if name.startswith(f"{state}/")]
    arrays = {}
    for name, content in read_members(path, names):
        if isinstance(content, Exception):
            raise UserError(f"{name} of {path} cannot be read: {content}")
        if name == f"{state}/zarr.json" and simulator:
            content = _with_attribute(content, "simulator", simulator)
        arrays[name] = np.frombuffer(content, dtype=np.uint8)
    return arrays


STORED_STATE_WORK = {KIND: make_stored}


def write_stored_state(state: str, folder: Path, directory: Path) -> None:
    """Write the files of a stored state, a piece in `folder`, into the store at `directory`."""
    for name, content in read_piece(folder, _piece_name(state)).items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.tobytes())


def _with_attribute(metadata: bytes, name: str, value: object) -> bytes:
    """Return the metadata of a group with an attribute, unless it has it already."""
    document = json.loads(metadata)
    document["attributes"] = {name: value} | document["attributes"]
    return json.dumps(document, indent=2).encode()


def _check_same(dataset: Dataset, planned: PlannedState) -> None:
    """Refuse a state that the plan would have made otherwise."""
    held = dataset.state(planned.name)
    known = {**dataset.attributes, **held.attributes}
    attributes = json.loads(json.dumps(planned.attributes))
    comparisons = {name: (known.get(name), value) for name, value in attributes.items()} | {
        name: (list(held.axis_values(name)), list(values)) for name, values in planned.axes.items()
    }
    for what, (stored, wanted) in comparisons.items():
        if stored != wanted:
            raise UserError(
                f"samples={dataset.path}: {planned.name} was made there with {what} = {stored}, "
                f"and the plan has {wanted}: leave the word out"
            )
    entries = zip(held.configuration_ids, held.splits, held.parents, strict=True)
    if tuple(ConfigurationEntry(*entry) for entry in entries) != planned.configurations:
        raise UserError(
            f"samples={dataset.path}: {planned.name} has other configurations or splits there "
            "than in the plan: leave the word out"
        )
