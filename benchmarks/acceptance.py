"""The embedded datasets beside what is known of their systems.

    python benchmarks/acceptance.py [--json]

"Known" are figures of the papers where a source is named, and else of single runs with plain
LAMMPS input files that share no code with this project: one configuration with 32 trajectories,
one glass of 2000 or 4000 atoms, one sample sheared along one load. "Spread" is the standard
deviation over the samples of the dataset, or over its samples and loads (nothing where one figure
stands for the whole dataset), so that a single run may differ from the mean by two of them.
`acceptance_runs.py` makes two such single runs, of the size of those that are known.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray

from glassbench.datasets.reading import open_tree

TASKS = Path(__file__).parent.parent / "tasks"
BAR_TO_GPA = 1e-4


class Row(NamedTuple):
    quantity: str
    here: float
    spread: float | None
    known: float
    source: str = "plain LAMMPS"


def kob_andersen(state: xarray.Dataset) -> Iterator[Row]:
    """Statics and dynamics of the Kob-Andersen mixture at T = 0.64, reduced units."""
    checks = state.attrs["checks"]
    yield Row("potential energy per particle", checks["potential_energy"], None, -5.805)
    yield Row("temperature of the runs", checks["temperature"], None, 0.64, "protocol")
    fit = checks["scattering_fit"]
    yield Row(
        "tau_alpha, two-step stretched fit", fit["tau_alpha"], None, 16.5, "Shiba et al. 2023"
    )
    yield Row("tau_alpha, two-step stretched fit", fit["tau_alpha"], None, 15.9)
    known = {0.165: (0.866, 0.135, 0.876), 0.52: (0.757, 0.188, 0.850)}
    known |= {5.2: (0.530, 0.291, 0.702), 16.5: (0.285, 0.432, 0.537)}
    scattering = dict(zip(checks["scattering_times"], checks["scattering"], strict=True))
    a = state.species.values == 0
    for time, (of_scattering, of_mean, of_halves) in known.items():
        mean = state.propensity.sel(time=time).values
        half = state.propensity_half_difference.sel(time=time).values
        means = [m[chosen].mean() for m, chosen in zip(mean, a, strict=True)]
        halves = [
            np.corrcoef((m + h)[chosen], (m - h)[chosen])[0, 1]
            for m, h, chosen in zip(mean, half, a, strict=True)
        ]
        yield Row(f"F_s(2 pi, t = {time}), A", scattering[time], None, of_scattering)
        yield Row(f"mean propensity of A, t = {time}", np.mean(means), np.std(means), of_mean)
        yield Row(f"half against half, t = {time}", np.mean(halves), np.std(halves), of_halves)


def cuzr_stiffness(state: xarray.Dataset) -> Iterator[Row]:
    """Volume, energy and vibrations of Cu50Zr50 at 1e13 K/s; angstrom, eV."""
    checks = state.attrs["checks"]
    yield Row("volume per atom at 2000 K, A^3", checks["liquid_volume"], None, 19.28)
    yield Row("volume per atom at 50 K, A^3", checks["glass_volume"], None, 17.9)
    energy, spread = checks["inherent_energy"], checks["inherent_energy_deviation"]
    yield Row("inherent energy per atom, eV", energy, spread, -4.862)
    stiffness = state.stiffness_by_temperature
    means = stiffness.mean("particle")
    halves = dict(zip(state.temperature.values, checks["half_correlation"], strict=True))
    for temperature, of_mean, of_halves in ((50, 0.884, 0.94), (300, 0.737, 0.88)):
        values = means.sel(temperature=temperature).values
        name = f"stiffness at {temperature} K, eV/A^2"
        yield Row(name, values.mean(), values.std(), of_mean, "plain LAMMPS, 2000 atoms")
        yield Row(f"half against half, {temperature} K", halves[temperature], None, of_halves)
    copper = (state.species == 0).values
    cold = state.stiffness.values
    ratios = [k[~c].mean() / k[c].mean() for k, c in zip(cold, copper, strict=True)]
    yield Row("stiffness of Zr over that of Cu", np.mean(ratios), np.std(ratios), 1.08)


def lj2d_plasticity(state: xarray.Dataset) -> Iterator[Row]:
    """Energy and yielding of the 2D Lennard-Jones glass, reduced units."""
    checks = state.attrs["checks"]
    energy, spread = checks["inherent_energy"], checks["inherent_energy_deviation"]
    source = "plain LAMMPS, slower quench (10^4)"
    yield Row("inherent energy per particle", energy, spread, -2.339, source)
    yield from _quantiles(state, {0.005: 0.09, 0.05: 5.8})
    source = "plain LAMMPS, faster quench (10^2), 10 000 particles"
    yield _last_stress(state, 1.0, 0.41, "", source)
    yield Row("shear modulus", checks["shear_modulus"], None, 11.9, source)


def cuzr_plasticity(state: xarray.Dataset) -> Iterator[Row]:
    """Yielding of Cu50Zr50; angstrom, GPa."""
    checks = state.attrs["checks"]
    moduli = np.array(checks["shear_modulus_of_loads"]) * BAR_TO_GPA
    yield Row("shear modulus, least load, GPa", moduli.min(), None, 27.0)
    yield Row("shear modulus, greatest load, GPa", moduli.max(), None, 29.0)
    yield _last_stress(state, BAR_TO_GPA, 1.2, ", GPa")
    yield from _quantiles(state, {0.005: 0.39, 0.05: 8.8})


def _last_stress(state: xarray.Dataset, unit: float, known: float, suffix: str, *source) -> Row:
    stress = state.shear_stress.values[..., -1] * unit
    return Row(f"stress at 5 %{suffix}", stress.mean(), stress.std(), known, *source)


def _quantiles(state: xarray.Dataset, known: dict[float, float]) -> Iterator[Row]:
    for strain, value in known.items():
        d2min = state.d2min.sel(strain=strain).quantile(0.995, "particle").values
        name = f"99.5 % quantile of D2min at {100 * strain:g} %"
        yield Row(name, d2min.mean(), d2min.std(), value)


SYSTEMS: dict[tuple[str, str], Callable[[xarray.Dataset], Iterator[Row]]] = {
    ("ka_propensity", "T0.64"): kob_andersen,
    ("cuzr_stiffness", "Cu50Zr50-1e13"): cuzr_stiffness,
    ("lj2d_plasticity", "quench_1e3"): lj2d_plasticity,
    ("cuzr_plasticity", "Cu50Zr50-1e13"): cuzr_plasticity,
}


def print_table(title: str, rows: list[Row]) -> None:
    print(f"{title:40} {'here':>9} {'spread':>8} {'known':>8} {'differs':>8}")
    for row in rows:
        spread = "" if row.spread is None else f"{row.spread:.2g}"
        differs = f"{100 * (row.here / row.known - 1):+.1f} %"
        figures = f"{row.here:9.4g} {spread:>8} {row.known:8.4g} {differs:>8}"
        print(f"  {row.quantity:38} {figures}  {row.source}")
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    tables = {}
    for (task, name), rows_of in SYSTEMS.items():
        with open_tree(TASKS / task / "mini.zarr.zip") as tree:
            tables[task] = list(rows_of(tree[name].to_dataset()))
    if options.json:
        rows = {task: [row._asdict() for row in rows] for task, rows in tables.items()}
        print(json.dumps(rows, default=float))
        return
    for task, rows in tables.items():
        print_table(task, rows)


if __name__ == "__main__":
    main()
