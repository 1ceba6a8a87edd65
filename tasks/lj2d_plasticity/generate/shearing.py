"""What shears samples and writes the dataset of these, which `cuzr_plasticity` does as well."""

from __future__ import annotations

from typing import Any

from glassbench.plugins.registry import load_task
from glassbench.simulation.generator import load_generator

_plasticity: Any = load_generator(load_task("cuzr_plasticity"))
sheared_samples = _plasticity.sheared_samples
PlasticityState = _plasticity.plasticity.PlasticityState
