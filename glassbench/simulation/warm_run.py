"""Warm runs of copper-zirconium samples, each a piece.

The short one gives the vibrations that a model may see: it has its own velocities and is none
of those that a target comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from .copper_zirconium_samples import SampleSet
from .pieces import Piece, read_need
from .stiffness import StiffnessProtocol, measure_stiffness
from .vibration import vibration_name

TEMPERATURE = 300.0
SHORT_RUN = StiffnessProtocol(window=20.0, barostat_run=5.0)


def warm_piece(
    name: str,
    kind: str,
    samples: SampleSet,
    number: int,
    temperature: float,
    protocol: StiffnessProtocol,
    names: Sequence[object],
) -> Piece:
    """Return the piece that holds a sample at a temperature (K); see `measure_stiffness`."""
    return Piece(
        name=name,
        kind=kind,
        arguments={
            "temperature": temperature,
            "protocol": asdict(protocol),
            "names": list(names),
            "potential": samples.protocol.potential,
        },
        needs=(samples.sample(number),),
        atom_steps=samples.protocol.atoms * protocol.steps,
    )


def vibration_piece(
    samples: SampleSet, number: int, protocol: StiffnessProtocol = SHORT_RUN
) -> Piece:
    """Return the short run of a sample at 300 K."""
    name, names = vibration_name(samples.sample(number)), ["vibration", samples.name, number]
    return warm_piece(name, "vibration", samples, number, TEMPERATURE, protocol, names)


def make_warm_run(piece: Piece, folder: Path) -> dict:
    """Make the piece of one warm run, short or long."""
    arguments = piece.arguments
    return measure_stiffness(
        read_need(piece, folder),
        arguments["temperature"],
        StiffnessProtocol(**arguments["protocol"]),
        tuple(arguments["names"]),
        piece.log_path(folder),
        arguments["potential"],
    )
