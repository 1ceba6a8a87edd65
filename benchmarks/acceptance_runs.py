"""Small runs of the kind that the known figures of `acceptance.py` come from, beside these figures.

    python benchmarks/acceptance_runs.py [2d] [stiffness] [drift] [published=FOLDER]

`2d`: a glass of 10 000 particles quenched in 10^2 t_0 and sheared to 5 % along one load, steps of
10^-3, force tolerance 10^-8. `stiffness`: Cu50Zr50 with 2000 atoms quenched at 10^13 K/s, then
100 ps at 50 and at 300 K with a step of 2 fs. `drift`: one Kob-Andersen trajectory of 52 tau at
T = 0.64 with a step of 0.005. `published`: the configurations of Shiba et al. (2023) at T = 0.44 in
a folder of their files: energy, configurational temperature, and 20 tau at constant energy from
each. The first two take some ten minutes of one core each; all go through the functions
that make the datasets.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from acceptance import TASKS, Row, print_table

from glassbench.datasets.reading import open_tree
from glassbench.plugins.registry import load_task
from glassbench.potentials import KOB_ANDERSEN, forces, hessian, particle_energies
from glassbench.simulation.generator import load_generator
from glassbench.simulation.quasistatic_shear import ShearSchedule, quasistatic_shear
from glassbench.structure import neighbour_pairs

plasticity = load_generator(load_task("cuzr_plasticity"))
alloy = plasticity.copper_zirconium
warm_run = plasticity.warm_run

kob_andersen = load_generator(load_task("ka_propensity")).kob_andersen
glasses = load_generator(load_task("lj2d_plasticity"))
STRAINS = (0.005, 0.05)


def sheared_glass(scratch: Path) -> Iterator[Row]:
    """Quench and shear the two-dimensional glass."""
    protocol = glasses.lennard_jones_2d.QuenchProtocol(
        quench_time=100.0, melt_time=50.0, equilibration_time=200.0
    )
    glass = glasses.lennard_jones_2d.quench_glass(
        protocol, ("acceptance", "2d"), scratch / "quench.log"
    )
    schedule = ShearSchedule(1e-3, STRAINS, force_tolerance=1e-8, neighbour_cutoff=2.5)
    structure = (glass["positions"], glass["species"], glass["box"])
    sheared = quasistatic_shear(
        *structure,
        glasses.lennard_jones_2d.LENNARD_JONES_2D,
        glasses.loadings.loadings_2d()[0],
        schedule,
        scratch / "shear.log",
    )
    stress = sheared["shear_stress"]
    yield Row("shear modulus", (stress[5] - stress[0]) / 0.005, None, 11.9)
    yield Row("stress at 5 %", stress[-1], None, 0.41)
    for d2min, strain, known in zip(sheared["d2min"], STRAINS, (0.09, 5.8), strict=True):
        name = f"99.5 % quantile of D2min at {100 * strain:g} %"
        yield Row(name, np.quantile(d2min, 0.995), None, known)


def warm_glass(scratch: Path) -> Iterator[Row]:
    """Quench a small copper-zirconium glass and sample its vibrations."""
    (stage,) = alloy.constant_rate(1e13)
    protocol = alloy.Protocol((stage,), atoms=2000, step=0.002)
    liquid = alloy.melt(protocol, ("acceptance", "stiffness"), scratch / "melt.log")
    glass = alloy.quench(liquid, stage, protocol, scratch / "quench.log")
    minimum = alloy.minimise(glass, protocol, scratch / "minimum.log")
    yield Row("inherent energy per atom, eV", minimum["potential_energy"], None, -4.862)
    window = warm_run.StiffnessProtocol(step=0.002, steps_per_sample=50)
    for temperature, known in ((50.0, 0.884), (300.0, 0.737)):
        names = ("acceptance", "stiffness", temperature)
        log = scratch / f"{temperature}.log"
        values = warm_run.measure_stiffness(minimum, temperature, window, names, log)["stiffness"]
        yield Row(f"stiffness at {temperature:g} K, eV/A^2", values.mean(), None, known)


def drift(scratch: Path) -> Iterator[Row]:
    """Run one trajectory from a configuration of the embedded dataset."""
    with open_tree(TASKS / "ka_propensity" / "mini.zarr.zip") as tree:
        start = tree["T0.64"].to_dataset().isel(configuration=0).load()
    structure = start.positions.values, start.species.values
    run = _at_constant_energy(*structure, 0.64, (52.0,), ("drift",), scratch)
    change = abs(run["total_energy"][-1] - run["total_energy"][0])
    yield Row("energy drift per particle over 52 tau", change, None, 3e-5)


def published(folder: Path, scratch: Path) -> Iterator[Row]:
    """Look at the published configurations with this project's potential."""
    energies, temperatures, warm = [], [], []
    for path in sorted(folder.rglob("*T0.44*.npz")):
        with np.load(path) as file:
            positions, species = file["initial_positions"], file["types"].astype(np.int8)
        edge = (len(positions) / 1.2) ** (1 / 3)
        found = neighbour_pairs(positions, np.full(3, edge), KOB_ANDERSEN.largest_cutoff)
        one = found.undirected()
        pairs = one.senders, one.receivers, one.vectors
        energies.append(particle_energies(KOB_ANDERSEN, species, *pairs).mean())
        curvature = hessian(KOB_ANDERSEN, species, *pairs).trace()
        temperatures.append((forces(KOB_ANDERSEN, species, *pairs) ** 2).sum() / curvature)
        names, times = (path.stem,), tuple(range(1, 21))
        run = _at_constant_energy(positions, species, 0.44, times, names, scratch)
        warm.append(run["temperature"][6:].mean())
    if not energies:
        raise SystemExit(f"{folder} holds no *T0.44*.npz of Shiba et al. (2023)")
    yield Row("potential energy per particle", np.mean(energies), np.std(energies), -6.212)
    name = "configurational temperature"
    yield Row(name, np.mean(temperatures), np.std(temperatures), 0.440)
    yield Row("temperature from 5 to 20 tau", np.mean(warm), np.std(warm), 0.439)


def _at_constant_energy(positions, species, temperature, times, names, scratch) -> dict:
    protocol = kob_andersen.Protocol(temperature, tau_alpha=np.nan, step=0.005)
    return kob_andersen.isoconfigurational_trajectory(
        positions, species, protocol, times, ("acceptance", *names), scratch / "run.log"
    )


RUNS: dict[str, Callable[[Path], Iterator[Row]]] = {
    "2d": sheared_glass,
    "stiffness": warm_glass,
    "drift": drift,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"{', '.join(RUNS)}, published=FOLDER; else all")
    for name in parser.parse_args().names or RUNS:
        kind, _, folder = name.partition("=")
        if kind not in RUNS and not (kind == "published" and folder):
            parser.error(f"there is no run `{name}`: give {', '.join(RUNS)} or published=FOLDER")
        rows_of = partial(published, Path(folder)) if folder else RUNS[kind]
        with tempfile.TemporaryDirectory() as scratch:
            print_table(kind, list(rows_of(Path(scratch))))


if __name__ == "__main__":
    main()
