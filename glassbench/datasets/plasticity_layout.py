"""One state of a dataset of plastic rearrangements, and its arrays in the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from .errors import DatasetError
from .layout import (
    ConfigurationEntry,
    Coordinate,
    StateLayout,
    Variable,
    structure_variables,
    vibrational_msd,
)
from .thresholds import FRACTIONS

STORED_FRACTION = FRACTIONS[0]
PER_LOAD = ("configuration", "protocol", "strain", "particle")
CURVE = ("configuration", "protocol", "step")


@dataclass(frozen=True)
class PlasticityState:
    """Samples that were made alike and sheared alike.

    Attributes
    ----------
    name : of the group in the store, such as `quench_1e4`
    attributes : the values that the task's axes ask of a state (`quench_time` in t_0;
        `cooling_rate` in K/s and `composition` in at.% of the first species), and what
        else is known (protocol, checks, number_density), as plain values
    samples : name, split and parent of each; samples deformed twice belong in `test`
    particles : N, the same for all
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
    vibrational_msd : whether `load` gives `vibrational_msd`
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


def plasticity_layout(state: PlasticityState, thresholds: np.ndarray, bits: int) -> StateLayout:
    """Return the layout of a state with its frames and thresholds.

    Parameters
    ----------
    thresholds : (fraction, strain) of D2min, length squared
    bits : bits of mantissa with which D2min is stored

    Raises
    ------
    DatasetError
        If a frame is not orthonormal.
    """
    per_protocol = ("configuration", "protocol")
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
            (
                Variable(
                    "frame",
                    ("protocol", "frame_axis", "axis"),
                    "float64",
                    "none",
                    "frame of the load: shear direction, plane normal, third axis",
                ),
                _checked_frames(state),
            ),
            (
                Variable(
                    "d2min_threshold",
                    ("fraction", "strain"),
                    "float64",
                    "length_squared",
                    "D2min above which a particle is positive: top fraction of the training split",
                ),
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
