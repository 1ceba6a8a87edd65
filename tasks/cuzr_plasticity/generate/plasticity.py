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

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from glassbench.contract.errors import DatasetError
from glassbench.datasets.labels import FRACTIONS, draw_negatives
from glassbench.datasets.layout import (
    ConfigurationEntry,
    Coordinate,
    StateLayout,
    Variable,
    structure_variables,
    vibrational_msd,
)
from glassbench.datasets.writing import write_dataset

STORED_FRACTION = FRACTIONS[0]
PER_LOAD = ("configuration", "protocol", "strain", "particle")
CURVE = ("configuration", "protocol", "step")


@dataclass(frozen=True)
class PlasticityState:
    """Samples that were made alike and sheared alike.

    Attributes
    ----------
    attributes : plain values that the task's axes ask of a state (`quench_time` in t_0;
        `cooling_rate` in K/s and `composition` in at.% of the first species) and further ones
    samples : those deformed twice belong in `test`
    species : names of the species stored as 0 and 1, as ("L", "S") or ("Cu", "Zr")
    frames : by name of the loading protocol, its frame (d, d): orthonormal rows are
        the shear direction, the plane normal and, in 3D, the third axis
    strains : shear strains at which D2min was taken, rising, as 0.005
    curve_strains : shear strains of the stress and energy curves, rising, 0 first
    load : from the index of a sample to its arrays, float of any width:
        `positions` (N, d) and `species` (N,) of the undeformed minimum, `box` (d,),
        `d2min` (protocol, strain, N) sum over neighbours, length squared,
        `shear_stress` (protocol, step) positive along the load, and
        `potential_energy` (protocol, step) per particle; where they are known,
        `d2min_repeat` (protocol, strain, N) of a second deformation after the
        particles were shuffled, in the order of `positions`, and `vibrational_msd`
        (N,). A protocol that was not run, or not repeated, is NaN throughout.
        It is called twice for each sample, so that memory holds one sample at a time.
    threshold_state : name of the state whose training split sets the thresholds; its
        own where empty. States that have no training samples must name one.
    """

    name: str
    attributes: Mapping[str, object]
    samples: tuple[ConfigurationEntry, ...]
    particles: int
    species: tuple[str, str]
    frames: Mapping[str, np.ndarray]
    strains: tuple[float, ...]
    curve_strains: tuple[float, ...]
    load: Callable[[int], Mapping[str, np.ndarray]]
    vibrational_msd: bool = False
    threshold_state: str = ""

    @property
    def dimension(self) -> int:
        return len(next(iter(self.frames.values())))


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
    """
    thresholds = _all_thresholds(states, mantissa_bits)
    layouts = [_layout(state, thresholds[state.name], mantissa_bits) for state in states]
    arrays = {s.name: _arrays(s, thresholds[s.name], mantissa_bits) for s in states}
    return write_dataset(path, attributes, layouts, arrays)


def _all_thresholds(states: Sequence[PlasticityState], mantissa_bits: int) -> dict[str, np.ndarray]:
    """Return the thresholds (fraction, strain) of each state by name."""
    by_name = {state.name: state for state in states}
    thresholds: dict[str, np.ndarray] = {}
    for state in states:
        source = by_name.get(state.threshold_state or state.name)
        if source is None or source.strains != state.strains:
            raise DatasetError(
                f"state {state.name} takes its thresholds from `{state.threshold_state}`, which "
                "is not in the dataset or has other strains: name another"
            )
        if source.name not in thresholds:
            train = [i for i, sample in enumerate(source.samples) if sample.split == "train"]
            if not train:
                raise DatasetError(
                    f"state {source.name} has no training sample to set the thresholds of D2min: "
                    "name the state that has in `threshold_state`"
                )
            # D2min (strain, N) of every load that was run.
            loads = (
                values
                for i in train
                for values in _d2min(source, source.load(i), mantissa_bits)
                if not np.isnan(values).all()
            )
            most = len(train) * len(source.frames) * source.particles
            thresholds[source.name] = top_thresholds(loads, len(source.strains), most)
        thresholds[state.name] = thresholds[source.name]
    return thresholds


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


def _layout(state: PlasticityState, thresholds: np.ndarray, bits: int) -> StateLayout:
    """Return the layout of a state with its frames and its thresholds (fraction, strain)."""
    per_protocol, axes = ("configuration", "protocol"), ("protocol", "frame_axis", "axis")
    frame = "frame of the load: shear direction, plane normal, third axis"
    above = "D2min above which a particle is positive: top fraction of the training split"
    by_strain = ("fraction", "strain")
    return StateLayout(
        name=state.name,
        attributes={
            **state.attributes,
            "threshold_state": state.threshold_state or state.name,
            "negative_fraction": STORED_FRACTION,
            "d2min_mantissa_bits": bits,
        },
        configurations=state.samples,
        particles=state.particles,
        variables=_variables(state),
        coordinates={
            "protocol": Coordinate(tuple(state.frames), "none", "loading protocol"),
            "strain": Coordinate(state.strains, "none", "shear strain"),
            "step": Coordinate(state.curve_strains, "none", "shear strain of the curves"),
            "fraction": Coordinate(FRACTIONS, "none", "share of particles that are positive"),
        },
        short=(
            Variable("deformed", per_protocol, "bool", "none", "whether the load was applied"),
            Variable("repeated", per_protocol, "bool", "none", "whether it was applied twice"),
        ),
        shared=(
            (Variable("frame", axes, "float64", "none", frame), _checked_frames(state)),
            (
                Variable("d2min_threshold", by_strain, "float64", "length_squared", above),
                thresholds,
            ),
        ),
        dimension=state.dimension,
    )


def _checked_frames(state: PlasticityState) -> np.ndarray:
    """Return the frames (protocol, d, d) of the loads."""
    frames = np.array([np.asarray(f, dtype=np.float64) for f in state.frames.values()])
    unit = np.eye(state.dimension)
    for name, frame in zip(state.frames, frames, strict=True):
        if frame.shape != unit.shape or not np.allclose(frame @ frame.T, unit, atol=1e-12):
            raise DatasetError(
                f"state {state.name}: the frame of protocol {name} is not orthonormal: give the "
                "unit vectors of shear direction, plane normal and third axis as its rows"
            )
    return frames


def _variables(state: PlasticityState) -> tuple[Variable, ...]:
    """Return the arrays that every sample has."""
    repeat = "D2min of a second deformation after the particles were shuffled; NaN where none"
    negative = f"drawn as a negative of the balanced set at f = {STORED_FRACTION:g}"
    return (
        *structure_variables(position_dtype="float64", species=state.species),
        Variable("d2min", PER_LOAD, "float32", "length_squared", "non-affine squared displacement"),
        Variable("d2min_repeat", PER_LOAD, "float32", "length_squared", repeat),
        Variable("negative", PER_LOAD, "bool", "none", negative),
        Variable("shear_stress", CURVE, "float32", "stress", "shear stress along the load"),
        Variable("potential_energy", CURVE, "float64", "energy", "potential energy per particle"),
        *([vibrational_msd()] if state.vibrational_msd else []),
    )


def top_thresholds(samples: Iterable[np.ndarray], strains: int, most: int) -> np.ndarray:
    """Return the thresholds (fraction, strain) float64 of values pooled over all samples.

    With M values at a strain the threshold is the (k + 1)-th largest, k = ceil(f M), so
    that k values lie above it, fewer where values tie. The samples (strain, N) are read once;
    of the `most` values that can come at a strain, only the top stays in memory.
    """
    needed = _count(max(FRACTIONS), most) + 1
    kept: list[list[np.ndarray]] = [[] for _ in range(strains)]
    total = 0
    for values in samples:
        total += values.shape[1]
        for strain, row in enumerate(values):
            kept[strain].append(row)
            if sum(map(len, kept[strain])) > 2 * needed:
                pooled = np.concatenate(kept[strain])
                kept[strain] = [np.partition(pooled, len(pooled) - needed)[-needed:]]
    if not total:
        raise ValueError("there is no sample to take a threshold from")
    thresholds = np.empty((len(FRACTIONS), strains))
    for strain, parts in enumerate(kept):
        descending = np.sort(np.concatenate(parts))[::-1]
        for row, fraction in enumerate(FRACTIONS):
            thresholds[row, strain] = descending[min(_count(fraction, total), len(descending) - 1)]
    return thresholds


def _count(fraction: float, total: int) -> int:
    return math.ceil(round(fraction * total, 9))


def round_mantissa(values: np.ndarray, bits: int) -> np.ndarray:
    """Return float32 values rounded to so many bits of mantissa, which compress the better.

    The relative error is at most 2^-(bits + 1); 23 bits are all of them. NaN stays NaN.
    """
    if not 1 <= bits <= 23:
        raise DatasetError(f"{bits} bits of mantissa: float32 has 1 to 23")
    single = np.asarray(values, dtype=np.float32)
    fraction, exponent = np.frexp(single)
    scale = np.float32(2.0 ** (bits + 1))
    return np.ldexp(np.rint(fraction * scale) / scale, exponent).astype(np.float32)
