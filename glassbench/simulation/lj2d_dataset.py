"""The dataset of two-dimensional plastic rearrangements: what it says of itself, and its checks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

from ..datasets.layout import ConfigurationEntry
from ..datasets.plasticity import PlasticityState
from .lammps_library import lammps_version
from .lennard_jones_2d import LENNARD_JONES_2D
from .lj2d_plasticity import PlannedSample, State, samples_of
from .pieces import read_piece
from .plasticity_checks import check_loaded
from .plasticity_dataset import curve_strains, sample_arrays, write_plasticity
from .quasistatic_shear import steps_in
from .seeds import seeds_in_words
from .trend import trend_of
from .vibration_2d import vibration_name

CITATION = (
    "Made by GlassBench after the protocol of Fan & Ma, Nat. Commun. 12, 1506 (2021), "
    "doi:10.1038/s41467-021-21806-z"
)
DEVIATIONS = (
    "The force is brought to zero smoothly between 2.0 and 2.5 sigma (a plain Lennard-Jones "
    "potential in the paper), since minimisation needs continuous forces. Negative simple shear "
    "has the frame turned by 90 degrees, so that every frame is a rotation; to first order its "
    "strain is that of the paper."
)
SHEAR_MODULUS = (8.0, 20.0)
LONGEST_WAVENUMBER = 8.0
MAXIMUM_FORCE = 1e-4


def assemble_lj2d_plasticity(
    states: Sequence[State], folder: Path, destination: Path, name: str
) -> Path:
    """Write the dataset of all quench times as one zip store at `destination`."""
    attributes = {
        "name": name,
        "title": "2D Lennard-Jones glass: plastic rearrangements under quasistatic shear",
        "units_system": "lj2d",
        "licence": "CC-BY-4.0",
        "citation": CITATION,
        "simulator": lammps_version(),
        "potential": "; ".join(LENNARD_JONES_2D.pair_commands),
        "deviations": DEVIATIONS,
        "seeds": seeds_in_words("task, state, split, sample, load, repeat"),
    }
    bits = 23 if name == "paper" else 11
    described = [_state(state, folder) for state in states]
    return write_plasticity(described, attributes, folder, destination, bits)


def _state(state: State, folder: Path) -> PlasticityState:
    samples = samples_of(state)
    load = partial(_load, state, samples, folder)
    protocol = state.protocol
    return PlasticityState(
        name=state.name,
        attributes={
            "quench_time": protocol.quench_time,
            "number_density": protocol.particles / protocol.box_edge**2,
            "quench": protocol.as_attributes(),
            "shear": asdict(state.schedule) | {"strains": list(state.schedule.strains)},
            "vibration": state.vibration.as_attributes(),
            "checks": _checks(state, samples, folder, (load(k) for k in range(len(samples)))),
        },
        samples=tuple(ConfigurationEntry(s.name, s.split, s.name) for s in samples),
        particles=protocol.particles,
        species=("L", "S"),
        frames={loading.name: loading.frame for loading in state.loadings},
        strains=state.schedule.strains,
        curve_strains=curve_strains(state.schedule),
        load=load,
        vibrational_msd=True,
        threshold_state=state.threshold_state,
    )


def _load(
    state: State, samples: Sequence[PlannedSample], folder: Path, index: int
) -> dict[str, np.ndarray]:
    sample = samples[index]
    piece = read_piece(folder, sample.name)
    structure = {key: piece[key] for key in ("positions", "species", "box")}
    structure["vibrational_msd"] = read_piece(folder, vibration_name(sample.name))[
        "vibrational_msd"
    ]
    return sample_arrays(
        folder, sample.name, structure, state.loadings, state.schedule, sample.repeats > 0
    )


def _checks(
    state: State, samples: Sequence[PlannedSample], folder: Path, loaded: Iterable[dict]
) -> dict[str, object]:
    """Return the physics of the quenches and of the shears, and what of it is wrong."""
    first = state.schedule.strains[0]
    sheared = check_loaded(
        loaded,
        elastic_step=steps_in(first, state.schedule.step),
        elastic_strain=first,
        shear_modulus=SHEAR_MODULUS,
        longest_wavenumber=LONGEST_WAVENUMBER,
    )
    quenched = check_quenches([read_piece(folder, sample.name) for sample in samples])
    return quenched | sheared | {"failed": quenched["failed"] + sheared["failed"]}


def check_quenches(samples: Sequence[dict[str, np.ndarray]]) -> dict[str, object]:
    """Return what is known of the quenches, and `failed`.

    Held to a limit are the force that minimisation left, and the potential energy, which must
    fall from the liquid through the quench to the minimum in every sample. Noted is where the
    liquid still relaxed over the second half of the time that it was held.
    """
    held = np.array([sample["equilibration_energy"] for sample in samples])
    trend = trend_of(held)
    energies = np.array(
        [
            (h.mean(), s["potential_energy"][-1], s["energy"])
            for h, s in zip(held, samples, strict=True)
        ]
    )
    force = max(float(sample["force_norm"]) for sample in samples)
    failed = []
    if force > MAXIMUM_FORCE:
        failed.append(f"a minimum has forces of norm {force:.2g}, above {MAXIMUM_FORCE:g}")
    if not (np.diff(energies, axis=1) < 0).all():
        failed.append("the potential energy does not fall from liquid to glass in every sample")
    notes = []
    if trend.moves:
        notes.append(
            "the liquid that was quenched had not come to equilibrium: its energy per particle "
            f"moved by {trend} from the third to the last quarter of the time that it was held"
        )
    return {
        "liquid_energy": float(energies[:, 0].mean()),
        "inherent_energy": float(energies[:, 2].mean()),
        "inherent_energy_deviation": float(energies[:, 2].std()),
        "energy_trend": trend.mean,
        "energy_trend_error": trend.error,
        "largest_force_norm": force,
        "temperature": float(np.mean([sample["temperature"][-1] for sample in samples])),
        "pressure": float(np.mean([sample["pressure"][-1] for sample in samples])),
        "notes": notes,
        "failed": failed,
    }
