"""Vibrations of a glass from one short warm run: what a model that reads dynamics may see.

The run has its own velocities and is none of those that a target comes from.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from .copper_zirconium_samples import SampleSet
from .pieces import Piece, read_piece
from .stiffness import StiffnessProtocol, measure_stiffness

TEMPERATURE = 300.0
SHORT_RUN = StiffnessProtocol(window=20.0, barostat_run=5.0)


def vibration_pieces(
    samples: SampleSet, numbers: range, protocol: StiffnessProtocol = SHORT_RUN
) -> list[Piece]:
    """Return one short run at 300 K for each of some samples."""
    return [
        Piece(
            name=vibration_name(samples.sample(number)),
            kind="vibration",
            arguments={
                "temperature": TEMPERATURE,
                "protocol": asdict(protocol),
                "names": ["vibration", samples.name, number],
                "potential": samples.protocol.potential,
            },
            needs=(samples.sample(number),),
            atom_steps=samples.protocol.atoms * protocol.steps,
        )
        for number in numbers
    ]


def vibration_name(sample: str) -> str:
    """Return the name of the piece that holds the short run of a sample."""
    return f"{sample}-vibration"


def make_warm_run(request: dict) -> dict:
    """Make the piece of one warm run, short or long."""
    arguments, (sample,) = request["arguments"], request["needs"]
    return measure_stiffness(
        read_piece(Path(request["folder"]), sample),
        arguments["temperature"],
        StiffnessProtocol(**arguments["protocol"]),
        tuple(arguments["names"]),
        Path(request["log"]),
        arguments["potential"],
    )
