"""Cage positions of the Kob-Andersen mixture: see `glassbench.simulation.cage`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np

from glassbench.simulation.cage import CageProtocol, cage_displacements, rounded_positions
from glassbench.simulation.pieces import Piece, read_need

from .kob_andersen import KOB_ANDERSEN, Protocol


def _cage(radius: float, runs: int) -> CageProtocol:
    """Return how a cage is sampled, in tau and sigma_AA."""
    return CageProtocol(radius, runs, duration=9.6, settling=0.96, redraw_time=1.92, step=0.008)


CAGES: Mapping[str, CageProtocol] = {
    "cage_positions": _cage(0.4, runs=4),
    "narrow_cage_positions": _cage(0.25, runs=2),
    "wide_cage_positions": _cage(0.5, runs=3),
}


def cage_piece(
    configuration: str, name: str, cage: CageProtocol, shared: Mapping[str, object], parent: str
) -> Piece:
    """Return the piece that samples the cages `name` of a configuration of a parent.

    `shared` holds the arguments `protocol` and `configuration`, its number.
    """
    protocol = Protocol(**shared["protocol"])
    return Piece(
        name=f"{configuration}-{name}",
        kind="cage",
        arguments={
            **shared,
            "cage": asdict(cage),
            "array": name,
            "names": ["cage", protocol.temperature, cage.radius, configuration],
        },
        needs=(parent,),
        atom_steps=protocol.particles * cage.steps(),
    )


def make_cage(piece: Piece, folder: Path) -> dict[str, np.ndarray]:
    """Sample the cages of a configuration: one array of positions (N, 3) float32, wrapped."""
    arguments, parent = piece.arguments, read_need(piece, folder)
    protocol = Protocol(**arguments["protocol"])
    positions = parent["positions"][arguments["configuration"]].astype(np.float64)
    displacements = cage_displacements(
        positions,
        parent["species"],
        np.diag([protocol.box_edge] * 3),
        KOB_ANDERSEN,
        protocol.temperature,
        CageProtocol(**arguments["cage"]),
        tuple(arguments["names"]),
        piece.log_path(folder),
    )
    box = np.full(3, protocol.box_edge)
    return {arguments["array"]: rounded_positions(positions + displacements, box)}
