"""Samples that are sheared, whatever their substance: their pieces, and the dataset of these."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from glassbench.datasets.layout import ConfigurationEntry
from glassbench.simulation.generator import Plan, root_attributes, write_packed
from glassbench.simulation.material import Material, steps_in
from glassbench.simulation.pieces import Piece, read_piece, vibration_name
from glassbench.simulation.quasistatic_shear import Loading, ShearSchedule, quasistatic_shear
from glassbench.simulation.seeds import generator_from_names
from glassbench.structure.pair_distribution import strongest_bragg_peak

from .plasticity import PlasticityState, write_plasticity_dataset

MAXIMUM_BRAGG_PEAK = 0.05
ReadStructure = Callable[[Path, str], Mapping[str, np.ndarray]]


@dataclass(frozen=True)
class ShearedSample:
    """One sample of a plan; `repeated` ones are sheared a second time in shuffled order.

    Samples of one parent are not independent of each other; without it each is its own.
    """

    name: str
    split: str
    number: int
    repeated: bool
    parent: str = ""


class ShearedState(Protocol):
    """Samples that were made alike, each of `particles`, each sheared along all `loadings`.

    The training split of the threshold state, its own where empty, defines what is plastic.
    """

    @property
    def name(self) -> str: ...

    @property
    def samples(self) -> Sequence[ShearedSample]: ...

    @property
    def particles(self) -> int: ...

    @property
    def schedule(self) -> ShearSchedule: ...

    @property
    def loadings(self) -> Sequence[Loading]: ...

    @property
    def threshold_state(self) -> str: ...


def shear_name(sample: str, loading: str, repeat: int = 0) -> str:
    """Return the name of the piece that shears a sample along a loading."""
    return f"{sample}-{loading}" + (f"-repeat{repeat}" if repeat else "")


def shear_pieces(
    state: ShearedState,
    sample: ShearedSample,
    names: Sequence[object],
    evaluations_per_step: float,
) -> list[Piece]:
    """Return the pieces that shear the sample that another piece leaves.

    The dataset takes its labels from the runs with `repeat` 0; those with 1 shuffle the order
    of the particles by a seed drawn from the names, the loading and the repeat. A step costs so
    many force evaluations, for estimates.
    """
    schedule = state.schedule
    return [
        Piece(
            name=shear_name(sample.name, loading.name, repeat),
            kind="shear",
            arguments={
                "loading": loading.name,
                "schedule": asdict(schedule) | {"strains": list(schedule.strains)},
                "names": [*names, loading.name, repeat],
                "repeat": repeat,
            },
            needs=(sample.name,),
            atom_steps=state.particles * schedule.steps * evaluations_per_step,
        )
        for repeat in range(1 + sample.repeated)
        for loading in state.loadings
    ]


def shear_bytes(state: ShearedState) -> int:
    runs = len(state.loadings) * sum(1 + sample.repeated for sample in state.samples)
    dimension = len(state.loadings[0].frame)
    labels = 4 * state.particles * len(state.schedule.strains)
    return runs * (labels + 8 * (4 + dimension**2) * (state.schedule.steps + 1))


def make_shear(
    piece: Piece,
    folder: Path,
    structure: Mapping[str, np.ndarray],
    material: Material,
    loadings: Sequence[Loading],
) -> dict[str, np.ndarray]:
    """Shear positions (N, d), species (N,) and box (d,) along the loading of a piece."""
    arguments = piece.arguments
    (loading,) = [one for one in loadings if one.name == arguments["loading"]]
    order = None
    if arguments["repeat"]:
        order = generator_from_names(*arguments["names"], "order").permutation(
            len(structure["positions"])
        )
    return quasistatic_shear(
        structure["positions"],
        structure["species"],
        structure["box"],
        material,
        loading,
        ShearSchedule(**arguments["schedule"]),
        piece.log_path(folder),
        order,
    )


def write_sheared_dataset(
    plan: Plan, states: Sequence[PlasticityState], folder: Path, destination: Path, **about: str
) -> Path:
    """Write the dataset of all states as one zip store; `about` is as for `root_attributes`."""
    attributes = root_attributes(plan.name, **about)
    bits = plan.mantissa_bits
    return write_packed(
        folder,
        destination,
        lambda path: write_plasticity_dataset(path, attributes, states, mantissa_bits=bits),
    )


def describe_state(
    state: ShearedState,
    folder: Path,
    read_structure: ReadStructure,
    *,
    species: tuple[str, str],
    attributes: Mapping[str, object],
    sample_checks: Mapping[str, Any],
    shear_modulus: tuple[float, float],
    longest_wavenumber: float,
    least_energy_gain: float = 0.0,
) -> PlasticityState:
    """Return a state as a dataset takes it, from the pieces in `folder`.

    `read_structure` gives positions (N, d), species (N,) and box (d,) of an undeformed minimum
    by the sample's name; `sample_checks` are the physics before the shear, with `failed`; limits
    are as for `check_sheared`.
    """
    load = partial(_load, state, folder, read_structure)
    schedule, strain = state.schedule, state.schedule.strains[0]
    sheared = check_sheared(
        (load(index) for index in range(len(state.samples))),
        elastic_step=steps_in(strain, schedule.step),
        elastic_strain=strain,
        shear_modulus=shear_modulus,
        longest_wavenumber=longest_wavenumber,
        least_energy_gain=least_energy_gain,
    )
    checks = {**sample_checks, **sheared, "failed": sample_checks["failed"] + sheared["failed"]}
    return PlasticityState(
        name=state.name,
        attributes={
            **attributes,
            "shear": asdict(schedule) | {"strains": list(schedule.strains)},
            "checks": checks,
        },
        samples=tuple(
            ConfigurationEntry(s.name, s.split, s.parent or s.name) for s in state.samples
        ),
        particles=state.particles,
        species=species,
        frames={loading.name: loading.frame for loading in state.loadings},
        strains=schedule.strains,
        curve_strains=tuple(float(k * schedule.step) for k in range(schedule.steps + 1)),
        load=load,
        vibrational_msd=True,
        threshold_state=state.threshold_state,
    )


def _load(
    state: ShearedState, folder: Path, read_structure: ReadStructure, index: int
) -> dict[str, np.ndarray]:
    """Return the arrays of one sample; `d2min_repeat` is NaN where it was sheared once."""
    sample: ShearedSample = state.samples[index]
    runs = [read_piece(folder, shear_name(sample.name, one.name)) for one in state.loadings]
    for loading, run in zip(state.loadings, runs, strict=True):
        if not np.allclose(run["frame"], loading.frame, atol=1e-12):
            raise ValueError(
                f"sample {sample.name} was sheared in another frame than that of {loading.name}: "
                "remove the piece and generate again"
            )
    arrays = dict(read_structure(folder, sample.name)) | {
        key: np.stack([run[key] for run in runs])
        for key in ("d2min", "shear_stress", "potential_energy")
    }
    if "vibrational_msd" not in arrays:
        vibration = read_piece(folder, vibration_name(sample.name))
        arrays["vibrational_msd"] = vibration["vibrational_msd"]
    arrays["d2min_repeat"] = np.full_like(arrays["d2min"], np.nan)
    if sample.repeated:
        names = [shear_name(sample.name, one.name, 1) for one in state.loadings]
        arrays["d2min_repeat"] = np.stack([read_piece(folder, name)["d2min"] for name in names])
    return arrays


def check_sheared(
    samples: Iterable[Mapping[str, np.ndarray]],
    *,
    elastic_step: int,
    elastic_strain: float,
    shear_modulus: tuple[float, float],
    longest_wavenumber: float,
    least_energy_gain: float = 0.0,
) -> dict[str, Any]:
    """Return the physics of sheared samples as plain values, and `failed`, what is wrong.

    Held to a limit are: no value that is not finite; the shear modulus, which is the mean
    over samples and loads of the slope of the stress up to `elastic_strain`; the energy,
    which must rise under load by more than the least gain per particle, below 0 for a glass so poor
    that it relaxes at first; and the strongest Bragg peak, S(k) / N, near 1 in a crystal.
    Samples are arrays as for `PlasticityState.load`; the elastic step is that of the elastic
    strain; the substance can have a shear modulus from the lowest to the highest.
    """
    moduli, curves, gains, peaks, broken = [], [], [], [], 0
    for sample in samples:
        stress, energy = sample["shear_stress"], sample["potential_energy"]
        broken += not all(np.isfinite(sample[key]).all() for key in ("d2min", "shear_stress"))
        moduli.append((stress[:, elastic_step] - stress[:, 0]) / elastic_strain)
        curves.append(stress.mean(axis=0))
        gains.append(energy[:, -1] - energy[:, 0])
        peaks.append(strongest_bragg_peak(sample["positions"], sample["box"], longest_wavenumber))
    modulus, peak, gain = float(np.mean(moduli)), float(max(peaks)), float(np.mean(gains))
    failed = []
    if broken:
        failed.append(f"{broken} samples have values that are not finite")
    if not shear_modulus[0] <= modulus <= shear_modulus[1]:
        failed.append(f"shear modulus {modulus:.4g} lies outside {shear_modulus}")
    if not gain > least_energy_gain:
        failed.append(f"the energy per particle does not rise under load: {gain:.3g}")
    if peak > MAXIMUM_BRAGG_PEAK:
        failed.append(
            f"a Bragg peak of S(k)/N = {peak:.2g} exceeds {MAXIMUM_BRAGG_PEAK}: a crystal"
        )
    return {
        "shear_modulus": modulus,
        "shear_modulus_of_loads": [float(value) for value in np.mean(moduli, axis=0)],
        "mean_shear_stress": [float(value) for value in np.mean(curves, axis=0)],
        "energy_gain": gain,
        "strongest_bragg_peak": peak,
        "failed": failed,
    }
