"""Temperatures of the Kob-Andersen mixture that another dataset holds.

Vibrations, which are minutes, are added where that dataset lacks them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from glassbench.datasets.layout import vibrational_msd
from glassbench.datasets.store import open_dataset
from glassbench.datasets.writing import add_variable
from glassbench.simulation.generator import Plan
from glassbench.simulation.pieces import Piece, read_piece
from glassbench.simulation.stored_states import (
    StateRecipe,
    held_states,
    stored_piece,
    write_stored_state,
)
from glassbench.simulation.vibration import vibration_name

from .states import State

VIBRATION = "vibrational_msd"


def pieces_with_stored(plan: Plan[State], dataset: Path) -> list[Piece]:
    """Return the pieces of a plan with the temperatures that a dataset holds taken from there."""
    held = held_states([_recipe(state) for state in plan.states], dataset)
    pieces = []
    for state in plan.states:
        pieces += _stored_pieces(state, dataset) if state.name in held else state.pieces()
    return pieces


def _recipe(state: State) -> StateRecipe:
    """Return what must be the same in a dataset that a temperature is taken from."""
    return StateRecipe(
        name=state.name,
        configurations=tuple(configuration.entry for configuration in state.configurations),
        attributes={
            "protocol": state.protocol.as_attributes(),
            "trajectories": state.trajectories,
        },
        axes={"time": state.times},
    )


def _stored_pieces(state: State, path: Path) -> list[Piece]:
    """Return the piece that holds a state as the dataset does, and the vibrations it lacks."""
    whole = stored_piece(state.name, path)
    if VIBRATION in open_dataset(path).state(state.name).variables:
        return [whole]
    missing = [piece for piece in state.pieces() if piece.kind == "vibration"]
    return [
        whole,
        *(
            replace(
                piece,
                arguments=piece.arguments | whole.arguments | {"index": index},
                needs=(whole.name,),
                here=True,
            )
            for index, piece in enumerate(missing)
        ),
    ]


def write_stored_temperature(state: State, folder: Path, directory: Path) -> None:
    """Write the files of a stored state into the store at `directory`, and its vibrations."""
    write_stored_state(state.name, folder, directory)
    if (directory / state.name / VIBRATION / "zarr.json").is_file():
        return
    names = [vibration_name(configuration.name) for configuration in state.configurations]
    values = [read_piece(folder, name)[VIBRATION] for name in names]
    attributes = {"vibration": state.vibration.as_attributes()}
    add_variable(directory, state.name, vibrational_msd(), values, attributes)
