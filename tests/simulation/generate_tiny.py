"""A plan of 2D plasticity that is made in seconds; `generate_tiny.py HOME` makes it in a home."""

import sys
from dataclasses import replace

from glassbench.home.workspace import open_workspace
from glassbench.plugins.registry import load_task
from glassbench.simulation.generate import generate_dataset
from glassbench.simulation.generator import Plan, load_generator

TASK = load_task("lj2d_plasticity")
GENERATOR = load_generator(TASK)
PLANS = GENERATOR.PLANS
(MINI,) = PLANS["mini"].states
LOADS = ("simple_positive", "pure_negative")
STATE = replace(
    MINI,
    protocol=replace(
        MINI.protocol, quench_time=2.0, particles=256, melt_time=1.0, equilibration_time=4.0
    ),
    schedule=replace(MINI.schedule, strains=(0.002, 0.004)),
    vibration=replace(MINI.vibration, runs=1, settling=0.2, window=1.0),
    counts={"test": 1, "train": 1},
    repeated={"test": 1},
    loadings=tuple(loading for loading in MINI.loadings if loading.name in LOADS),
)
TINY = Plan("tiny", (STATE,), "lj2d_plasticity-tiny", mantissa_bits=11)


if __name__ == "__main__":
    PLANS["tiny"] = TINY
    generate_dataset(TASK, "tiny", open_workspace(sys.argv[1]))
