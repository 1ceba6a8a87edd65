"""States that another dataset holds, in place of making them again.

A temperature costs hours; a dataset that gains one keeps those that it has. A piece of kind
`stored` holds all files of a state as they lie in the store of that dataset, so that nothing is
decoded and packed a second time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..datasets.layout import ConfigurationEntry
from ..datasets.opening import member_names, read_members
from ..datasets.store import Dataset, open_dataset
from ..errors import UserError
from .ka_states import State, configurations_of
from .pieces import Piece, read_piece

KIND = "stored"


def held_states(states: Sequence[State], path: Path | str) -> list[State]:
    """Return those states of a plan that the dataset at `path` holds, made as the plan says.

    Raises
    ------
    UserError
        If it holds none, or one that was made in another way or with other configurations.
    """
    dataset = open_dataset(path)
    found = [state for state in states if state.name in dataset.states]
    if not found:
        planned = ", ".join(state.name for state in states)
        raise UserError(
            f"samples={path}: dataset {dataset.name} holds {', '.join(dataset.states)}, and the "
            f"plan has {planned}: leave the word out to make them"
        )
    for state in found:
        _check_same(dataset, state)
    return found


def stored_piece(state: State, path: Path | str) -> Piece:
    """Return the piece that holds a state as the dataset at `path` holds it."""
    arguments = {"dataset": str(Path(path).absolute()), "state": state.name}
    return Piece(f"{state.name}-{KIND}", KIND, arguments, here=True)


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


def write_stored_state(state: State, folder: Path, directory: Path) -> None:
    """Write the files of a stored state into the store at `directory`."""
    for name, content in read_piece(folder, f"{state.name}-{KIND}").items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.tobytes())


def _with_attribute(metadata: bytes, name: str, value: object) -> bytes:
    """Return the metadata of a group with an attribute, unless it has it already."""
    document = json.loads(metadata)
    document["attributes"] = {name: value} | document["attributes"]
    return json.dumps(document, indent=2).encode()


def _check_same(dataset: Dataset, state: State) -> None:
    """Refuse a state that the plan would have made otherwise."""
    held = dataset.state(state.name)
    entries = zip(held.configuration_ids, held.splits, held.parents, strict=True)
    wanted = [ConfigurationEntry(c.name, c.split, c.parent) for c in configurations_of(state)]
    comparisons = {
        "protocol": (held.attributes.get("protocol"), state.protocol.as_attributes()),
        "trajectories": (held.attributes.get("trajectories"), state.trajectories),
        "times": (list(held.axis_values("time")), list(state.times)),
        "configurations": ([ConfigurationEntry(*entry) for entry in entries], wanted),
    }
    for what, (stored, planned) in comparisons.items():
        if stored != planned:
            raise UserError(
                f"samples={dataset.path}: {state.name} was made there with {what} = {stored}, and "
                f"the plan has {planned}: leave the word out"
            )
