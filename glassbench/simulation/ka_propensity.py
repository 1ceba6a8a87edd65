"""The plan of a Kob-Andersen propensity dataset: parents, then isoconfigurational trajectories."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from .isoconfigurational import AVERAGING_WORK
from .ka_states import PLANS, PlannedConfiguration, State, configurations_of, parents_of
from .ka_stored_states import as_planned, stored_pieces
from .ka_vibration import VIBRATION_WORK, vibration_piece
from .kob_andersen import Protocol
from .pieces import Piece, unfinished
from .stored_states import STORED_STATE_WORK, held_states

WORK = AVERAGING_WORK | STORED_STATE_WORK | VIBRATION_WORK

TRAJECTORIES_PER_PIECE = 8


def pieces_of(state: State) -> list[Piece]:
    """Return the pieces of one temperature, each after those that it needs."""
    pieces = []
    for parent, split, number, count in parents_of(state):
        names = ["ka_propensity", state.name, split, number]
        pieces.append(
            Piece(
                name=parent,
                kind="parent",
                arguments={
                    "protocol": asdict(state.protocol),
                    "configurations": count,
                    "names": names,
                },
                atom_steps=state.protocol.particles * _parent_steps(state.protocol, count),
            )
        )
        for configuration in configurations_of(state):
            if configuration.parent == parent:
                pieces += _pieces_of_configuration(state, configuration, names)
    return pieces


def _pieces_of_configuration(
    state: State, configuration: PlannedConfiguration, names: list
) -> list[Piece]:
    """Return batches of trajectories, the piece that averages them, and the short runs."""
    protocol = state.protocol
    shared = {"protocol": asdict(protocol), "configuration": configuration.number}
    batches = []
    for first in range(0, state.trajectories, TRAJECTORIES_PER_PIECE):
        batch = range(first, min(first + TRAJECTORIES_PER_PIECE, state.trajectories))
        steps = len(batch) * max(state.times) / protocol.step
        batches.append(
            Piece(
                name=f"{configuration.name}-r{first:02d}",
                kind="trajectories",
                arguments=shared
                | {
                    "times": list(state.times),
                    "trajectories": list(batch),
                    "names": [*names, configuration.number],
                },
                needs=(configuration.parent,),
                atom_steps=protocol.particles * steps,
            )
        )
    averages = Piece(
        name=configuration.averages,
        kind="averages",
        arguments=shared | {"close_pair_halves": configuration.split != "train"},
        needs=(configuration.parent, *(batch.name for batch in batches)),
    )
    vibration = vibration_piece(
        configuration.name,
        configuration.parent,
        configuration.number,
        protocol,
        state.vibration,
        names,
    )
    return [*batches, averages, vibration]


def _parent_steps(protocol: Protocol, configurations: int) -> float:
    tau_alphas = (
        protocol.equilibration_tau_alpha + (configurations - 1) * protocol.spacing_tau_alpha
    )
    held = protocol.quench_time + tau_alphas * protocol.tau_alpha
    return protocol.melt_time / protocol.melt_step + held / protocol.step


def bytes_of(state: State) -> int:
    """Return the bytes that the pieces of one temperature take, positions as float64."""
    configurations = sum(sum(counts) for counts in state.parents.values())
    frames = configurations * state.trajectories * len(state.times)
    return frames * state.protocol.particles * 3 * 8


def folder_name(dataset: str) -> str:
    """Return the folder of the pieces, which the small plans share."""
    return f"ka_propensity-{dataset.split('_')[0]}"


def pieces(dataset: str) -> list[Piece]:
    """Return the pieces of every temperature of a dataset."""
    return [piece for state in PLANS[dataset] for piece in pieces_of(state)]


def pieces_from(dataset: str, path: Path | str) -> list[Piece]:
    """Return the pieces of a dataset with the temperatures that the dataset at `path` holds."""
    held = held_states([as_planned(state) for state in PLANS[dataset]], path)
    return [
        piece
        for state in PLANS[dataset]
        for piece in (
            stored_pieces(state, pieces_of(state), path) if state.name in held else pieces_of(state)
        )
    ]


def disk_bytes(dataset: str) -> int:
    """Return the bytes that the pieces of a dataset take until it is assembled."""
    return sum(bytes_of(state) for state in PLANS[dataset])


def assemble(dataset: str, folder: Path, destination: Path) -> Path:
    """Write the dataset of all pieces in `folder` to `destination`.

    A temperature that lacks a piece of its own is taken as another dataset held it.
    """
    from .assemble import assemble_ka_propensity

    states = PLANS[dataset]
    stored = [state for state in states if unfinished(pieces_of(state), folder)]
    return assemble_ka_propensity(states, folder, destination, name=dataset, stored=stored)


def atom_steps_per_second(seconds: float = 10.0) -> float:
    """Return the atom-steps per CPU second of the Kob-Andersen liquid on one core."""
    from .calibration import kob_andersen_speed

    return kob_andersen_speed(seconds)
