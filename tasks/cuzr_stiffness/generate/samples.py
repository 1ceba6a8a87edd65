"""The alloy, its samples and its warm runs, which `cuzr_plasticity` makes as well."""

from __future__ import annotations

from glassbench.simulation.generator import generator_of

_plasticity = generator_of("cuzr_plasticity")
copper_zirconium = _plasticity.copper_zirconium
potential = _plasticity.potential
warm_run = _plasticity.warm_run
