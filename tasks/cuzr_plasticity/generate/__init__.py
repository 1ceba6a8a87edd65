"""Datasets of copper-zirconium plastic rearrangements: samples, each sheared in several frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from glassbench.simulation.cage import CageProtocol
from glassbench.simulation.generator import Plan
from glassbench.simulation.pieces import Piece
from glassbench.simulation.prepare import Potential
from glassbench.simulation.prepare_dataset import PREPARE_WORK

from .copper_zirconium import (
    SAMPLE_WORK,
    copper_zirconium_speed,
    potential_variant,
    read_structure,
)
from .dataset import assemble
from .loadings import loadings_3d
from .potential import alloy_material, choose_potential
from .sheared_samples import make_shear
from .states import MINI, PAPER, State
from .stored_samples import STORED_WORK, with_stored_samples
from .warm_run import make_warm_run

__all__ = [
    "PLANS",
    "POTENTIALS",
    "WORK",
    "assemble",
    "atom_steps_per_second",
    "choose_potential",
    "pieces_from",
]

# The folder of pieces is shared with every task that reads the same samples.
PLANS: dict[str, Plan[State]] = {
    "mini": Plan("mini", MINI, "copper_zirconium-mini", potential_variant, mantissa_bits=11),
    "paper": Plan("paper", PAPER, "copper_zirconium-paper", potential_variant),
}
# Lengths in Angstrom, times in ps.
CAGE = CageProtocol(radius=1.0, runs=2, duration=6.0, settling=0.6, redraw_time=1.2, step=0.002)
POTENTIALS = {
    "cuzr": lambda: Potential(alloy_material(), 1e-6, cages={"cage_positions": CAGE}),
}
atom_steps_per_second = copper_zirconium_speed


def make_sheared(piece: Piece, folder: Path) -> dict[str, np.ndarray]:
    """Shear the sample that a piece needs."""
    structure = read_structure(folder, *piece.needs)
    return make_shear(piece, folder, structure, alloy_material(), loadings_3d())


WORK = (
    SAMPLE_WORK | STORED_WORK | PREPARE_WORK | {"shear": make_sheared, "vibration": make_warm_run}
)


def pieces_from(plan: Plan[State], dataset: Path) -> list[Piece]:
    """Return the pieces of a plan with the samples that the dataset at a path holds."""
    return with_stored_samples(plan.pieces(), dataset)
