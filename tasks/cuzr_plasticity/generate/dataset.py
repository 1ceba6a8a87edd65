"""The dataset of copper-zirconium plastic rearrangements: what it says of itself, its checks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from glassbench.simulation.generator import Plan
from glassbench.simulation.pieces import read_piece

from .copper_zirconium import read_structure
from .plasticity import PlasticityState
from .potential import potential_attribute
from .sheared_samples import describe_state, write_sheared_dataset
from .states import State

CITATION = "Fan & Ma, Nat. Commun. 12, 1506 (2021), doi:10.1038/s41467-021-21806-z"
DEVIATIONS = (
    "The potential is Mendelev's, as LAMMPS ships it; the paper's is another. The orientations "
    "are this project's own list, since the paper's is not public text. The dataset `mini` is "
    "cooled at one rate from 2000 K to 50 K, since it shares its samples with the stiffness; the "
    "paper cools at the named rate between 1000 K and 500 K alone."
)
SHEAR_MODULUS = (1.5e5, 4.5e5)
LONGEST_WAVENUMBER = 4.0
MAXIMUM_FORCE = 1e-3
MAXIMUM_PRESSURE = 2e4


def assemble(plan: Plan[State], folder: Path, destination: Path) -> Path:
    """Write the dataset of all compositions and cooling rates as one zip store."""
    return write_sheared_dataset(
        plan,
        [_describe(state, folder) for state in plan.states],
        folder,
        destination,
        title="Cu-Zr metallic glass: plastic rearrangements under quasistatic shear",
        units_system="metal",
        citation=CITATION,
        potential=potential_attribute(plan.states[0].sample_set.protocol.potential),
        deviations=DEVIATIONS,
        seeds="sample set, sample, load, repeat",
    )


def _describe(state: State, folder: Path) -> PlasticityState:
    protocol = state.sample_set.protocol
    return describe_state(
        state,
        folder,
        read_structure,
        species=("Cu", "Zr"),
        attributes={
            "cooling_rate": state.cooling_rate,
            "composition": 100 * protocol.copper,
            "quench": protocol.as_attributes(),
        },
        sample_checks=check_samples([read_piece(folder, one.name) for one in state.samples]),
        shear_modulus=SHEAR_MODULUS,
        longest_wavenumber=LONGEST_WAVENUMBER,
    )


def check_samples(samples: Sequence[dict[str, np.ndarray]]) -> dict[str, Any]:
    """Return what is known of the minimised samples, and `failed`.

    Held to a limit are the force that minimisation left (eV/Angstrom) and the pressure of
    the minimum (bar), which stays small since the sample was cooled at zero pressure.
    """
    force = max(float(sample["force_norm"]) for sample in samples)
    pressure = max((float(sample["pressure"]) for sample in samples), key=abs)
    volume = [float(sample["edge"]) ** 3 / len(sample["species"]) for sample in samples]
    failed = []
    if force > MAXIMUM_FORCE:
        failed.append(f"a minimum has forces of norm {force:.2g}, above {MAXIMUM_FORCE:g} eV/A")
    if abs(pressure) > MAXIMUM_PRESSURE:
        failed.append(f"a minimum has a pressure of {pressure:.3g} bar")
    return {
        "inherent_energy": float(np.mean([sample["potential_energy"] for sample in samples])),
        "inherent_energy_deviation": float(np.std([s["potential_energy"] for s in samples])),
        "atomic_volume": float(np.mean(volume)),
        "largest_force_norm": force,
        "largest_pressure": pressure,
        "failed": failed,
    }
