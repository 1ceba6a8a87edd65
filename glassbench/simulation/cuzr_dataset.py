"""The dataset of copper-zirconium plastic rearrangements: what it says of itself, its checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

from ..datasets.layout import ConfigurationEntry
from ..datasets.plasticity import PlasticityState
from .copper_zirconium_potential import potential_attribute
from .copper_zirconium_samples import read_structure
from .cuzr_plasticity import State
from .lammps_library import lammps_version
from .pieces import read_piece
from .plasticity_checks import check_loaded
from .plasticity_dataset import curve_strains, sample_arrays, write_plasticity
from .quasistatic_shear import steps_in
from .seeds import seeds_in_words
from .vibration import vibration_name

CITATION = (
    "Made by GlassBench after the protocol of Fan & Ma, Nat. Commun. 12, 1506 (2021), "
    "doi:10.1038/s41467-021-21806-z"
)
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


def assemble_cuzr_plasticity(
    states: Sequence[State], folder: Path, destination: Path, name: str
) -> Path:
    """Write the dataset of all compositions and cooling rates as one zip store."""
    attributes = {
        "name": name,
        "title": "Cu-Zr metallic glass: plastic rearrangements under quasistatic shear",
        "units_system": "metal",
        "licence": "CC-BY-4.0",
        "citation": CITATION,
        "simulator": lammps_version(),
        "potential": potential_attribute(states[0].samples.protocol.potential),
        "deviations": DEVIATIONS,
        "seeds": seeds_in_words("sample set, sample, load, repeat"),
    }
    bits = 23 if name == "paper" else 11
    described = [_state(state, folder) for state in states]
    return write_plasticity(described, attributes, folder, destination, bits)


def _state(state: State, folder: Path) -> PlasticityState:
    load = partial(_load, state, folder)
    protocol = state.samples.protocol
    return PlasticityState(
        name=state.name,
        attributes={
            "cooling_rate": state.cooling_rate,
            "composition": 100 * protocol.copper,
            "quench": protocol.as_attributes(),
            "shear": asdict(state.schedule) | {"strains": list(state.schedule.strains)},
            "checks": _checks(state, folder, load),
        },
        samples=tuple(
            ConfigurationEntry(sample, split, sample)
            for sample, split in zip(state.sample_names, state.splits, strict=True)
        ),
        particles=protocol.atoms,
        species=("Cu", "Zr"),
        frames={loading.name: loading.frame for loading in state.loadings},
        strains=state.schedule.strains,
        curve_strains=curve_strains(state.schedule),
        load=load,
        vibrational_msd=True,
        threshold_state=state.threshold_state,
    )


def _load(state: State, folder: Path, index: int) -> dict[str, np.ndarray]:
    sample = state.sample_names[index]
    structure = read_structure(folder, sample)
    structure["vibrational_msd"] = read_piece(folder, vibration_name(sample))["vibrational_msd"]
    return sample_arrays(
        folder, sample, structure, state.loadings, state.schedule, index in state.repeated
    )


def _checks(state: State, folder: Path, load) -> dict[str, object]:
    """Return the physics of the samples and of the shears, and what of it is wrong."""
    first = state.schedule.strains[0]
    sheared = check_loaded(
        (load(index) for index in range(len(state.splits))),
        elastic_step=steps_in(first, state.schedule.step),
        elastic_strain=first,
        shear_modulus=SHEAR_MODULUS,
        longest_wavenumber=LONGEST_WAVENUMBER,
    )
    quenched = check_samples([read_piece(folder, sample) for sample in state.sample_names])
    return quenched | sheared | {"failed": quenched["failed"] + sheared["failed"]}


def check_samples(samples: Sequence[dict[str, np.ndarray]]) -> dict[str, object]:
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
