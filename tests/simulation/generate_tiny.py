"""A plan of 2D plasticity that is made in seconds; as a program: make it in a home folder."""

import sys
from dataclasses import replace

from glassbench.simulation import lj2d_plasticity
from glassbench.simulation.generate import generate_dataset
from glassbench.workspace import open_workspace

(MINI,) = lj2d_plasticity.PLANS["mini"]
TINY = replace(
    MINI,
    protocol=replace(
        MINI.protocol, quench_time=2.0, particles=256, melt_time=1.0, equilibration_time=4.0
    ),
    schedule=replace(MINI.schedule, strains=(0.002, 0.004)),
    vibration=replace(MINI.vibration, runs=1, settling=0.2, window=1.0),
    samples={"test": 1, "train": 1},
    repeated={"test": 1},
    loading_names=("simple_positive", "pure_negative"),
)

if __name__ == "__main__":
    lj2d_plasticity.PLANS["tiny"] = (TINY,)
    generate_dataset("lj2d_plasticity", "tiny", open_workspace(sys.argv[1]))
