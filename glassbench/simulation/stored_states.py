"""States that another dataset holds, in place of making them again.

A temperature costs hours; a dataset that gains one keeps those that it has. A piece of kind
`stored` holds all files of a state as they lie in the store of that dataset, so that nothing is
decoded and packed a second time. Vibrations, which are minutes, are added where they are missing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..datasets.layout import ConfigurationEntry, vibrational_msd
from ..datasets.opening import member_names, read_members
from ..datasets.store import Dataset, open_dataset
from ..datasets.writing import add_variable
from ..errors import UserError
from .ka_states import State, configurations_of
from .ka_vibration import vibration_name
from .pieces import Piece, read_piece

KIND = "stored"
VIBRATION = "vibrational_msd"


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


def stored_pieces(state: State, planned: Sequence[Piece], path: Path | str) -> list[Piece]:
    """Return the pieces of a state that the dataset at `path` holds.

    Parameters
    ----------
    planned : the pieces of the state if it were made here
    """
    where = {"dataset": str(Path(path).absolute()), "state": state.name}
    whole = Piece(_stored_name(state), KIND, where, here=True)
    if VIBRATION in open_dataset(path).state(state.name).variables:
        return [whole]
    indices = {vibration_name(c.name): index for index, c in enumerate(configurations_of(state))}
    return [
        whole,
        *(
            replace(
                piece,
                arguments=piece.arguments | where | {"index": indices[piece.name]},
                needs=(whole.name,),
                here=True,
            )
            for piece in planned
            if piece.name in indices
        ),
    ]


def _stored_name(state: State) -> str:
    return f"{state.name}-{KIND}"


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
    """Write the files of a stored state into the store at `directory`, and its vibrations."""
    files = read_piece(folder, _stored_name(state))
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.tobytes())
    if f"{state.name}/{VIBRATION}/zarr.json" in files:
        return
    names = [vibration_name(configuration.name) for configuration in configurations_of(state)]
    values = [read_piece(folder, name)[VIBRATION] for name in names]
    attributes = {"vibration": state.vibration.as_attributes()}
    add_variable(directory, state.name, vibrational_msd(), values, attributes)


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
    }
    for what, (stored, planned) in comparisons.items():
        if stored != planned:
            raise UserError(
                f"samples={dataset.path}: {state.name} was made there with {what} = {stored}, and "
                f"the plan has {planned}: leave the word out"
            )
    if [ConfigurationEntry(*entry) for entry in entries] != wanted:
        raise UserError(
            f"samples={dataset.path}: {state.name} has other configurations or splits there "
            "than in the plan: leave the word out"
        )
