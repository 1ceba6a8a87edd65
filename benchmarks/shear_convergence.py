"""Whether steps and forces of the dataset `mini` of ka_shear are small enough, in two minutes.

One glass is sheared to 2 % as in the dataset, and with smaller steps and forces; then what the
dataset itself says: loads that were applied twice, and the energy along the strain.

    python benchmarks/shear_convergence.py
"""

from __future__ import annotations

import time

import numpy as np

from glassbench.datasets.store import open_dataset
from glassbench.plugins.registry import load_task
from glassbench.simulation.generator import load_generator
from glassbench.simulation.quasistatic_shear import ShearSchedule, quasistatic_shear

WAYS = ((5e-3, 1e-3), (2e-3, 1e-4), (1e-3, 1e-4))  # step of the strain, norm of all forces


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return that of the logarithms of D2min."""
    return float(np.corrcoef(np.log(one).ravel(), np.log(other).ravel())[0, 1])


def main() -> None:
    task = load_task("ka_shear")
    states = load_generator(task).states
    state = open_dataset(task.folder / "mini.zarr.zip").state("T0.64")
    glass = state.structure_arrays(0)
    first = None
    for step, force in WAYS:
        schedule = ShearSchedule(step, (0.01, 0.02), force, states.NEIGHBOUR_CUTOFF)
        began = time.process_time()
        d2min = quasistatic_shear(
            glass["positions"], glass["species"], glass["box"],
            states.kob_andersen.KOB_ANDERSEN, states.LOADINGS[0], schedule, "none",
        )["d2min"]  # fmt: skip
        seconds = time.process_time() - began
        first = d2min if first is None else first
        alike = [f"1 - {1 - correlation(*pair):.1e}" for pair in zip(first, d2min, strict=True)]
        print(f"step {step:g}, force {force:g}: {seconds:.0f} CPU s; log D2min at 1 and 2 %"
              f" correlated with the first way by {', '.join(alike)}")  # fmt: skip
    d2min, again = state.array("d2min")[...], state.array("d2min_repeat")[...]
    twice = state.short("repeated").all(axis=1)
    print(
        f"{twice.sum()} samples sheared twice, correlated by "
        f"1 - {1 - correlation(d2min[twice], again[twice]):.1e}"
    )
    energy = state.array("potential_energy")[...].mean(axis=(0, 1))
    print("mean energy less that at rest:", " ".join(f"{e:.5f}" for e in energy - energy[0]))


if __name__ == "__main__":
    main()
