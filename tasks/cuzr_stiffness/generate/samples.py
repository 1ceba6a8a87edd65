"""The alloy, its samples and its warm runs, which `cuzr_plasticity` makes as well."""

from __future__ import annotations

from typing import Any

from glassbench.plugins.registry import load_task
from glassbench.simulation.generator import load_generator

_plasticity: Any = load_generator(load_task("cuzr_plasticity"))
copper_zirconium = _plasticity.copper_zirconium
potential = _plasticity.potential
warm_run = _plasticity.warm_run
