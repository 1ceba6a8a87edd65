"""Datasets of plastic rearrangements: samples, each sheared under several loads.

A state is what was made alike, such as one quench time, or one cooling rate and
composition. A configuration is one undeformed sample; what happened to it stands
along `protocol` (the loads, with their frames) and `strain`.

Labels follow from D2min: a particle is positive at a strain if its D2min is above
the threshold of that strain, which the top fraction f of the training split over
all samples and protocols defines (Fan & Ma, Nat. Commun. 12, 1506 (2021)). The
negatives of the balanced sets are drawn once and stored for f = 0.5 %; for other
f they are drawn again from the same names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from .balanced import draw_negatives
from .errors import DatasetError
from .plasticity_layout import STORED_FRACTION, PlasticityState, plasticity_layout
from .quantise import round_mantissa
from .thresholds import top_thresholds
from .writing import create_store, finish_store, write_configuration

__all__ = ["PlasticityState", "write_plasticity_dataset"]


def write_plasticity_dataset(
    path: Path,
    attributes: Mapping[str, object],
    states: Sequence[PlasticityState],
    *,
    mantissa_bits: int = 23,
) -> str:
    """Write a whole store as a directory at `path` and return its content digest.

    Parameters
    ----------
    attributes : of the root, see `create_store`; units_system is `lj2d` or `metal`
    mantissa_bits : precision of the stored D2min; 23 keeps float32, 11 an error below
        2.5e-4 relative at little more than half of the size

    Raises
    ------
    DatasetError
        If an array does not fit, a frame is not orthonormal, or a state has no training
        sample and names no other state for its thresholds.
    """
    thresholds = _all_thresholds(states, mantissa_bits)
    layouts = [plasticity_layout(state, thresholds[state.name], mantissa_bits) for state in states]
    create_store(path, attributes, layouts)
    facts: dict[str, list] = {}
    for state, layout in zip(states, layouts, strict=True):
        facts[state.name] = [
            write_configuration(path, layout, index, arrays)
            for index, arrays in enumerate(_arrays(state, thresholds[state.name], mantissa_bits))
        ]
    return finish_store(path, layouts, facts)


def _all_thresholds(states: Sequence[PlasticityState], mantissa_bits: int) -> dict[str, np.ndarray]:
    """Return the thresholds (fraction, strain) of each state by name."""
    by_name = {state.name: state for state in states}
    found: dict[str, np.ndarray] = {}
    for state in states:
        source = by_name.get(state.threshold_state or state.name)
        if source is None or source.strains != state.strains:
            raise DatasetError(
                f"state {state.name} takes its thresholds from `{state.threshold_state}`, which "
                "is not in the dataset or has other strains: name another"
            )
        if source.name not in found:
            train = [i for i, sample in enumerate(source.samples) if sample.split == "train"]
            if not train:
                raise DatasetError(
                    f"state {source.name} has no training sample to set the thresholds of D2min: "
                    "name the state that has in `threshold_state`"
                )
            loaded = (_d2min(source, source.load(i), mantissa_bits) for i in train)
            most = len(train) * len(source.frames) * source.particles
            found[source.name] = top_thresholds(_by_load(loaded), len(source.strains), most)
        found[state.name] = found[source.name]
    return found


def _by_load(samples: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield D2min (strain, N) of every load that was run."""
    for d2min in samples:
        for values in d2min:
            if not np.isnan(values).all():
                yield values


def _d2min(
    state: PlasticityState, arrays: Mapping[str, np.ndarray], bits: int, name: str = "d2min"
) -> np.ndarray:
    """Return D2min (protocol, strain, N) float32 as it is stored; each load is whole or NaN."""
    expected = (len(state.frames), len(state.strains), state.particles)
    values = np.asarray(arrays[name])
    if values.shape != expected:
        raise DatasetError(f"state {state.name}: `{name}` has the shape {values.shape}, {expected}")
    missing = np.isnan(values)
    if (missing.any(axis=(1, 2)) != missing.all(axis=(1, 2))).any():
        raise DatasetError(
            f"state {state.name}: `{name}` of a sample is NaN in part of a protocol: give every "
            "strain and particle of it, or NaN throughout where it was not run"
        )
    return round_mantissa(values, bits)


def _arrays(
    state: PlasticityState, thresholds: np.ndarray, bits: int
) -> Iterator[dict[str, np.ndarray]]:
    """Yield the arrays of every sample as the store takes them."""
    for index, sample in enumerate(state.samples):
        arrays = dict(state.load(index))
        arrays["d2min"] = _d2min(state, arrays, bits)
        arrays["deformed"] = ~np.isnan(arrays["d2min"]).all(axis=(1, 2))
        if "d2min_repeat" in arrays:
            arrays["d2min_repeat"] = _d2min(state, arrays, bits, "d2min_repeat")
        else:
            arrays["d2min_repeat"] = np.full_like(arrays["d2min"], np.nan)
        arrays["repeated"] = ~np.isnan(arrays["d2min_repeat"]).all(axis=(1, 2))
        arrays["negative"] = _negatives(state, sample.name, arrays["d2min"], thresholds[0])
        yield arrays


def _negatives(
    state: PlasticityState, sample: str, d2min: np.ndarray, thresholds: np.ndarray
) -> np.ndarray:
    """Return the drawn negatives (protocol, strain, N) bool for the stored fraction."""
    chosen = np.zeros(d2min.shape, dtype=bool)
    for p, protocol in enumerate(state.frames):
        for s, strain in enumerate(state.strains):
            if not np.isnan(d2min[p, s]).any():
                positive = d2min[p, s] > thresholds[s]
                names = (state.name, sample, protocol, strain, STORED_FRACTION)
                chosen[p, s, draw_negatives(positive, *names)] = True
    return chosen
