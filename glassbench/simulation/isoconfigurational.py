"""The pieces of a propensity dataset: parents, batches of trajectories, averages over them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .averages import configuration_arrays
from .kob_andersen import Protocol, equilibrate, inherent_structure, isoconfigurational_trajectory


def make_parent(request: dict) -> dict:
    """Equilibrate one parent, take its configurations and their inherent structures."""
    arguments, log = request["arguments"], Path(request["log"])
    protocol = Protocol(**arguments["protocol"])
    names = tuple(arguments["names"])
    arrays = equilibrate(protocol, arguments["configurations"], names, log)
    minima = [
        inherent_structure(positions, arrays["species"], protocol.box_edge, log)
        for positions in arrays["positions"]
    ]
    arrays["inherent_positions"] = np.stack([positions for positions, _ in minima])
    arrays["inherent_energy"] = np.array([energy for _, energy in minima])
    return arrays


def make_trajectories(request: dict) -> dict:
    """Run a batch of isoconfigurational trajectories from one configuration of a parent."""
    arguments, log = request["arguments"], Path(request["log"])
    protocol = Protocol(**arguments["protocol"])
    (parent,) = request["needs"]
    with np.load(Path(request["folder"]) / "pieces" / f"{parent}.npz") as file:
        positions = file["positions"][arguments["configuration"]]
        species = file["species"]
    runs = [
        isoconfigurational_trajectory(
            positions,
            species,
            protocol,
            tuple(arguments["times"]),
            (*arguments["names"], trajectory),
            log,
        )
        for trajectory in arguments["trajectories"]
    ]
    return {key: np.stack([run[key] for run in runs]) for key in runs[0]}


def make_averages(request: dict) -> dict:
    """Average the trajectories of one configuration, as a dataset stores them."""
    arguments = request["arguments"]
    parent, *batches = request["needs"]
    pieces = Path(request["folder"]) / "pieces"
    with np.load(pieces / f"{parent}.npz") as file:
        start = {key: file[key] for key in file.files}
    runs = [dict(np.load(pieces / f"{batch}.npz")) for batch in batches]
    return configuration_arrays(
        start,
        arguments["configuration"],
        {key: np.concatenate([run[key] for run in runs]) for key in runs[0]},
        Protocol(**arguments["protocol"]),
        close_pair_halves=arguments["close_pair_halves"],
    )


AVERAGING_WORK = {
    "parent": make_parent,
    "trajectories": make_trajectories,
    "averages": make_averages,
}
