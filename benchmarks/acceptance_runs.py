"""Small runs of the kind that the known figures of `acceptance.py` come from, beside these figures.

    python benchmarks/acceptance_runs.py [2d] [stiffness]

`2d`: a glass of 10 000 particles quenched in 10^2 t_0 and sheared to 5 % along one load, steps of
10^-3, force tolerance 10^-8. `stiffness`: Cu50Zr50 with 2000 atoms quenched at 10^13 K/s, then
100 ps at 50 and at 300 K with a step of 2 fs. Some ten minutes of one core each; the runs go
through the functions that make the datasets.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from acceptance import Row, print_table

from glassbench.simulation.copper_zirconium import Protocol, constant_rate, melt, minimise, quench
from glassbench.simulation.lennard_jones_2d import LENNARD_JONES_2D, QuenchProtocol, quench_glass
from glassbench.simulation.loading import loadings_2d
from glassbench.simulation.quasistatic_shear import ShearSchedule, quasistatic_shear
from glassbench.simulation.stiffness import StiffnessProtocol, measure_stiffness

STRAINS = (0.005, 0.05)


def sheared_glass(scratch: Path) -> Iterator[Row]:
    """Quench and shear the two-dimensional glass."""
    protocol = QuenchProtocol(quench_time=100.0, melt_time=50.0, equilibration_time=200.0)
    glass = quench_glass(protocol, ("acceptance", "2d"), scratch / "quench.log")
    schedule = ShearSchedule(1e-3, STRAINS, force_tolerance=1e-8, neighbour_cutoff=2.5)
    structure = (glass["positions"], glass["species"], glass["box"])
    sheared = quasistatic_shear(
        *structure, LENNARD_JONES_2D, loadings_2d()[0], schedule, scratch / "shear.log"
    )
    stress = sheared["shear_stress"]
    yield Row("shear modulus", (stress[5] - stress[0]) / 0.005, None, 11.9)
    yield Row("stress at 5 %", stress[-1], None, 0.41)
    for d2min, strain, known in zip(sheared["d2min"], STRAINS, (0.09, 5.8), strict=True):
        name = f"99.5 % quantile of D2min at {100 * strain:g} %"
        yield Row(name, np.quantile(d2min, 0.995), None, known)


def warm_glass(scratch: Path) -> Iterator[Row]:
    """Quench a small copper-zirconium glass and sample its vibrations."""
    (stage,) = constant_rate(1e13)
    protocol = Protocol((stage,), atoms=2000, step=0.002)
    liquid = melt(protocol, ("acceptance", "stiffness"), scratch / "melt.log")
    glass = quench(liquid, stage, protocol, scratch / "quench.log")
    minimum = minimise(glass, protocol, scratch / "minimum.log")
    yield Row("inherent energy per atom, eV", minimum["potential_energy"], None, -4.862)
    window = StiffnessProtocol(step=0.002, steps_per_sample=50)
    for temperature, known in ((50.0, 0.884), (300.0, 0.737)):
        names = ("acceptance", "stiffness", temperature)
        log = scratch / f"{temperature}.log"
        values = measure_stiffness(minimum, temperature, window, names, log)["stiffness"]
        yield Row(f"stiffness at {temperature:g} K, eV/A^2", values.mean(), None, known)


RUNS = {"2d": sheared_glass, "stiffness": warm_glass}


def main() -> None:
    for name in sys.argv[1:] or RUNS:
        with tempfile.TemporaryDirectory() as scratch:
            print_table(name, list(RUNS[name](Path(scratch))))


if __name__ == "__main__":
    main()
