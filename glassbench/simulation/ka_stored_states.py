"""Temperatures of the Kob-Andersen mixture that another dataset holds.

Vibrations, which are minutes, are added where that dataset lacks them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..datasets.layout import ConfigurationEntry, vibrational_msd
from ..datasets.store import open_dataset
from ..datasets.writing import add_variable
from .ka_states import State, configurations_of
from .ka_vibration import vibration_name
from .pieces import Piece, read_piece
from .stored_states import PlannedState, stored_piece, write_stored_state

VIBRATION = "vibrational_msd"


def as_planned(state: State) -> PlannedState:
    """Return what the plan says of a temperature."""
    return PlannedState(
        name=state.name,
        configurations=tuple(
            ConfigurationEntry(c.name, c.split, c.parent) for c in configurations_of(state)
        ),
        attributes={
            "protocol": state.protocol.as_attributes(),
            "trajectories": state.trajectories,
        },
        axes={"time": state.times},
    )


def stored_pieces(state: State, planned: Sequence[Piece], path: Path | str) -> list[Piece]:
    """Return the pieces of a state that the dataset at `path` holds.

    Parameters
    ----------
    planned : the pieces of the state if it were made here
    """
    whole = stored_piece(state.name, path)
    if VIBRATION in open_dataset(path).state(state.name).variables:
        return [whole]
    indices = {vibration_name(c.name): index for index, c in enumerate(configurations_of(state))}
    return [
        whole,
        *(
            replace(
                piece,
                arguments=piece.arguments | whole.arguments | {"index": indices[piece.name]},
                needs=(whole.name,),
                here=True,
            )
            for piece in planned
            if piece.name in indices
        ),
    ]


def write_stored_temperature(state: State, folder: Path, directory: Path) -> None:
    """Write the files of a stored state into the store at `directory`, and its vibrations."""
    write_stored_state(state.name, folder, directory)
    if (directory / state.name / VIBRATION / "zarr.json").is_file():
        return
    names = [vibration_name(configuration.name) for configuration in configurations_of(state)]
    values = [read_piece(folder, name)[VIBRATION] for name in names]
    attributes = {"vibration": state.vibration.as_attributes()}
    add_variable(directory, state.name, vibrational_msd(), values, attributes)
