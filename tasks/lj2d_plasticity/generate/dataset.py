"""The dataset of two-dimensional plastic rearrangements: what it says of itself, and its checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from glassbench.simulation.generator import Plan
from glassbench.simulation.pieces import read_piece
from glassbench.simulation.run_statistics import trend_of

from .lennard_jones_2d import LENNARD_JONES_2D
from .shearing import PlasticityState, sheared_samples
from .states import State

CITATION = "Fan & Ma, Nat. Commun. 12, 1506 (2021), doi:10.1038/s41467-021-21806-z"
DEVIATIONS = (
    "The force is brought to zero smoothly between 2.0 and 2.5 sigma (a plain Lennard-Jones "
    "potential in the paper), since minimisation needs continuous forces. Negative simple shear "
    "has the frame turned by 90 degrees, so that every frame is a rotation; to first order its "
    "strain is that of the paper."
)
SHEAR_MODULUS = (8.0, 20.0)
LONGEST_WAVENUMBER = 8.0
MAXIMUM_FORCE = 1e-4


def assemble(plan: Plan[State], folder: Path, destination: Path) -> Path:
    """Write the dataset of all quench times as one zip store at `destination`."""
    return sheared_samples.write_sheared_dataset(
        plan,
        [_describe(state, folder) for state in plan.states],
        folder,
        destination,
        title="2D Lennard-Jones glass: plastic rearrangements under quasistatic shear",
        units_system="lj2d",
        citation=CITATION,
        potential="; ".join(LENNARD_JONES_2D.pair_commands),
        deviations=DEVIATIONS,
        seeds="task, state, split, sample, load, repeat",
    )


def _describe(state: State, folder: Path) -> PlasticityState:
    protocol = state.protocol
    return sheared_samples.describe_state(
        state,
        folder,
        read_structure,
        species=("L", "S"),
        attributes={
            "quench_time": protocol.quench_time,
            "number_density": protocol.particles / protocol.box_edge**2,
            "quench": protocol.as_attributes(),
            "vibration": asdict(state.vibration),
        },
        sample_checks=check_quenches([read_piece(folder, one.name) for one in state.samples]),
        shear_modulus=SHEAR_MODULUS,
        longest_wavenumber=LONGEST_WAVENUMBER,
    )


def read_structure(folder: Path, sample: str) -> dict[str, np.ndarray]:
    """Return `positions` (N, 2), `species` (N,) and `box` (2,) of a minimised glass."""
    glass = read_piece(folder, sample)
    return {key: glass[key] for key in ("positions", "species", "box")}


def check_quenches(samples: Sequence[dict[str, np.ndarray]]) -> dict[str, Any]:
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
