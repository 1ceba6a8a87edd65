"""Datasets of sheared Kob-Andersen glasses: inherent structures of `ka_propensity`, strained."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from glassbench.simulation.generator import Plan, generator_of
from glassbench.simulation.pieces import Piece, read_need

from .dataset import assemble
from .states import GLASS, LOADINGS, MINI, State, kob_andersen, read_glass, sheared_samples

__all__ = ["PLANS", "WORK", "assemble", "atom_steps_per_second"]

PLANS: dict[str, Plan[State]] = {
    "mini": Plan("mini", MINI, "ka_shear-mini", mantissa_bits=11),
}
atom_steps_per_second = generator_of("ka_propensity").atom_steps_per_second


def make_sheared(piece: Piece, folder: Path) -> dict[str, np.ndarray]:
    """Shear the glass that a piece needs."""
    glass = read_need(piece, folder)
    return sheared_samples.make_shear(piece, folder, glass, kob_andersen.KOB_ANDERSEN, LOADINGS)


WORK = {GLASS: read_glass, "shear": make_sheared}
