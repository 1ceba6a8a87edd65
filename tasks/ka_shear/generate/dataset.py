"""The dataset of sheared Kob-Andersen glasses: what it says of itself, and its checks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from glassbench.simulation.generator import Plan
from glassbench.simulation.pieces import read_piece

from .states import State, kob_andersen, plasticity, sheared_samples

CITATION = "Bapst et al., Nature Physics 16, 448 (2020), doi:10.1038/s41567-020-0842-8"
DEVIATIONS = (
    "The article says that the mixture was sheared and what was learned from it; of the protocol "
    "only that is taken. Potential, density and liquid are those of Shiba et al. (2023), as in "
    "ka_propensity; glass, loads, strains, labels and metrics are this project's own choice, "
    "those of its other plasticity tasks."
)
SHEAR_MODULUS = (5.0, 40.0)
LONGEST_WAVENUMBER = 10.0
MAXIMUM_FORCE = 1e-4
# Inherent structures of a liquid are quenched at once, and relax by a thousandth under load.
LEAST_ENERGY_GAIN = -0.01


def assemble(plan: Plan[State], folder: Path, destination: Path) -> Path:
    """Write the dataset of all temperatures as one zip store at `destination`."""
    return sheared_samples.write_sheared_dataset(
        plan,
        [_describe(state, folder) for state in plan.states],
        folder,
        destination,
        title="Kob-Andersen glass: plastic rearrangements under quasistatic shear",
        units_system="lj",
        citation=CITATION,
        potential="; ".join(kob_andersen.PAIR_COMMANDS),
        deviations=DEVIATIONS,
        seeds="task, state, sample, load, repeat",
    )


def _describe(state: State, folder: Path) -> plasticity.plasticity.PlasticityState:
    protocol = state.liquid.protocol
    return sheared_samples.describe_state(
        state,
        folder,
        read_structure,
        species=("A", "B"),
        attributes={
            "temperature": protocol.temperature,
            "number_density": protocol.number_density,
            "samples": f"inherent structures of ka_propensity-{state.source}",
        },
        sample_checks=check_glasses([read_piece(folder, one.name) for one in state.samples]),
        shear_modulus=SHEAR_MODULUS,
        longest_wavenumber=LONGEST_WAVENUMBER,
        least_energy_gain=LEAST_ENERGY_GAIN,
    )


def read_structure(folder: Path, sample: str) -> dict[str, np.ndarray]:
    """Return `positions` (N, 3), `species` (N,), `box` (3,) and `vibrational_msd` (N,)."""
    glass = read_piece(folder, sample)
    return {key: glass[key] for key in ("positions", "species", "box", "vibrational_msd")}


def check_glasses(glasses: Sequence[dict[str, np.ndarray]]) -> dict[str, Any]:
    """Return what is known of the minima, and `failed`: forces that minimisation left."""
    force = max(float(glass["force_norm"]) for glass in glasses)
    energies = [float(glass["energy"]) for glass in glasses]
    failed = []
    if force > MAXIMUM_FORCE:
        failed.append(f"a minimum has forces of norm {force:.2g}, above {MAXIMUM_FORCE:g}")
    return {
        "inherent_energy": float(np.mean(energies)),
        "inherent_energy_deviation": float(np.std(energies)),
        "largest_force_norm": force,
        "failed": failed,
    }
