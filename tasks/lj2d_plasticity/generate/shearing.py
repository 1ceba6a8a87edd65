"""What shears samples and writes the dataset of these, which `cuzr_plasticity` does as well."""

from __future__ import annotations

from glassbench.simulation.generator import generator_of

_plasticity = generator_of("cuzr_plasticity")
sheared_samples = _plasticity.sheared_samples
PlasticityState = _plasticity.plasticity.PlasticityState
