"""Is it the glass that it should be, and was its stiffness measured well? One cooling rate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from glassbench.simulation.pieces import read_piece
from glassbench.simulation.run_statistics import Trend, trend_of
from glassbench.structure.pair_distribution import particle_pair_distribution, strongest_bragg_peak

from .samples import copper_zirconium, potential
from .states import State, stiffness_name

MAXIMUM_TEMPERATURE_ERROR = 0.02
MAXIMUM_PRESSURE = 3000.0
MAXIMUM_FORCE = 1e-5
MAXIMUM_BRAGG_PEAK = 0.05
MAXIMUM_HOPPING = 0.05
# Cu50Zr50 with the potential that LAMMPS ships, any cooling rate: what 2000 K and 50 K give.
KNOWN_ALLOY = {
    "liquid_volume": (19.28, 0.3),
    "glass_volume": (17.9, 0.3),
    "inherent_energy": (-4.87, 0.05),
}
KNOWN_STIFFNESS = (0.6, 1.1)
LONGEST_WAVENUMBER = 6.0
LARGEST_DISTANCE = 10.0
DISTRIBUTION_WIDTH = 0.1


def check_stiffness(state: State, folder: Path) -> dict[str, object]:
    """Return the physics of one cooling rate as plain values, and `failed`, what is wrong."""
    melts = [read_piece(folder, f"{sample}-melt") for sample in state.sample_names]
    energies = np.array([melt["potential_energy"] for melt in melts])
    trend = trend_of(energies[:, energies.shape[1] // 2 :])
    found = {
        **_sample_checks(state, folder, melts),
        "liquid_energy_trend": trend.mean,
        "liquid_energy_trend_error": trend.error,
        **_run_checks(state, folder),
    }
    return found | {"failed": _failures(found, state, trend)}


def _sample_checks(state: State, folder: Path, melts: list[dict]) -> dict[str, object]:
    """Return what is known of liquid, quench and minimum; volumes per atom in Angstrom^3."""
    last = len(copper_zirconium.quench_parts(state.samples.protocol)) - 1
    ends, minima, structures = [], [], []
    for sample in state.sample_names:
        ends.append(read_piece(folder, f"{sample}-quench{last:03d}"))
        minima.append(read_piece(folder, sample))
        structures.append(copper_zirconium.read_structure(folder, sample))
    peaks = [
        strongest_bragg_peak(one["positions"], one["box"], LONGEST_WAVENUMBER) for one in structures
    ]
    liquid_volumes = np.array([melt["volume"] for melt in melts])
    inherent = np.array([float(minimum["potential_energy"]) for minimum in minima])
    return {
        "liquid_volume": float(liquid_volumes[:, liquid_volumes.shape[1] // 2 :].mean()),
        "glass_volume": float(np.mean([end["volume"][-1] for end in ends])),
        "inherent_energy": float(inherent.mean()),
        "inherent_energy_deviation": float(inherent.std()),
        "inherent_pressure": float(np.mean([float(one["pressure"]) for one in minima])),
        "largest_force_norm": float(max(one["force_norm"] for one in minima)),
        "strongest_bragg_peak": float(max(peaks)),
        "pair_distribution_width": DISTRIBUTION_WIDTH,
        "pair_distribution": _mean_pair_distribution(structures),
    }


def _run_checks(state: State, folder: Path) -> dict[str, object]:
    """Return what is known of the warm runs, one value for each temperature."""
    table: dict[str, list[float]] = {}
    halves = []
    for temperature in state.temperatures:
        runs = [read_piece(folder, stiffness_name(one, temperature)) for one in state.sample_names]
        halves.append([run["stiffness_halves"] for run in runs])
        species = [read_piece(folder, one)["species"] for one in state.sample_names]
        copper = np.concatenate(
            [run["stiffness"][kind == 0] for run, kind in zip(runs, species, strict=True)]
        )
        stiffness = np.concatenate([run["stiffness"] for run in runs])
        for key, value in {
            "run_temperature": np.mean([run["temperature"] for run in runs]),
            "run_pressure": np.mean([run["pressure"] for run in runs]),
            "energy_trend": np.mean([run["energy_trend"] for run in runs]),
            "stiffness_mean": stiffness.mean(),
            "stiffness_deviation": stiffness.std(),
            "stiffness_of_copper": copper.mean(),
            "half_correlation": np.mean(
                [np.corrcoef(run["stiffness_halves"])[0, 1] for run in runs]
            ),
            "hopped": np.mean([run["hopped"].mean() for run in runs]),
        }.items():
            table.setdefault(key, []).append(float(value))
    averaged = np.mean(halves, axis=0)
    together = [float(np.corrcoef(halves_of_sample)[0, 1]) for halves_of_sample in averaged]
    return table | {"half_correlation_of_average": float(np.mean(together))}


def _failures(found: dict, state: State, trend: Trend) -> list[str]:
    failed = []
    for wanted, temperature, pressure in zip(
        state.temperatures, found["run_temperature"], found["run_pressure"], strict=True
    ):
        if abs(temperature / wanted - 1) > MAXIMUM_TEMPERATURE_ERROR:
            failed.append(f"temperature {temperature:.2f} K is more than 2 % off {wanted} K")
        if abs(pressure) > MAXIMUM_PRESSURE:
            failed.append(
                f"pressure {pressure:.0f} bar at {wanted} K exceeds {MAXIMUM_PRESSURE:.0f} bar"
            )
    mean = found["stiffness_mean"]
    if not (np.diff(mean) < 0).all():
        failed.append(f"the mean stiffness does not fall with temperature: {np.round(mean, 3)}")
    if trend.moves:
        failed.append(f"the energy of the liquid still moves: {trend} eV")
    if not found["glass_volume"] < found["liquid_volume"]:
        failed.append("the glass is not denser than the liquid")
    for key, limit in (
        ("largest_force_norm", MAXIMUM_FORCE),
        ("strongest_bragg_peak", MAXIMUM_BRAGG_PEAK),
    ):
        if found[key] > limit:
            failed.append(f"{key} {found[key]:.2g} exceeds {limit:g}")
    if state.samples.protocol.copper == 0.5 and potential.is_shipped(potential.potential_file()):
        failed += _departures(found)
    if max(found["hopped"]) > MAXIMUM_HOPPING:
        failed.append(f"{max(found['hopped']):.1%} of the atoms hop: this is no glass")
    return failed


def _departures(found: dict) -> list[str]:
    """Return where Cu50Zr50 is not as it is known to be."""
    failed = [
        f"{key} {found[key]:.4g} is not within {limit} of {known}"
        for key, (known, limit) in KNOWN_ALLOY.items()
        if abs(found[key] - known) > limit
    ]
    low, high = KNOWN_STIFFNESS
    if not all(low <= mean <= high for mean in found["stiffness_mean"]):
        failed.append(
            f"mean stiffness {np.round(found['stiffness_mean'], 3)} is outside {low, high}"
        )
    return failed


def _mean_pair_distribution(structures: Sequence[dict[str, np.ndarray]]) -> list[float]:
    """Return g(r) up to 10 Angstrom, or to half of the smallest box, averaged over samples."""
    room = min(LARGEST_DISTANCE, min(float(one["box"].min()) for one in structures) / 2)
    bins = int(room / DISTRIBUTION_WIDTH)
    found = [
        particle_pair_distribution(
            one["positions"], one["box"], 0.0, bins * DISTRIBUTION_WIDTH, bins
        ).mean(axis=0)
        for one in structures
    ]
    return [round(float(value), 4) for value in np.mean(found, axis=0)]
