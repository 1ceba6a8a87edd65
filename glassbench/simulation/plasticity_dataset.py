"""From the finished pieces of samples and their shears to one dataset of plastic rearrangements."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..datasets.manifest import pack_store
from ..datasets.plasticity import PlasticityState, write_plasticity_dataset
from .loading import Loading
from .pieces import read_piece
from .quasistatic_shear import ShearSchedule
from .shear_pieces import shear_name

Structure = Callable[[str], Mapping[str, np.ndarray]]


def write_plasticity(
    states: Sequence[PlasticityState],
    attributes: Mapping[str, object],
    folder: Path,
    destination: Path,
    mantissa_bits: int,
) -> Path:
    """Write the dataset of all states as one zip store at `destination`."""
    directory = folder / f"{destination.name}.assembling"
    shutil.rmtree(directory, ignore_errors=True)
    write_plasticity_dataset(directory, attributes, states, mantissa_bits=mantissa_bits)
    pack_store(directory, destination)
    shutil.rmtree(directory)
    return destination


def sample_arrays(
    folder: Path,
    sample: str,
    structure: Mapping[str, np.ndarray],
    loadings: Sequence[Loading],
    schedule: ShearSchedule,
    repeated: bool,
) -> dict[str, np.ndarray]:
    """Return the arrays of one sample as a dataset stores them.

    Parameters
    ----------
    structure : `positions` (N, d), `species` (N,) and `box` (d,) of the undeformed minimum;
        other arrays are passed on
    repeated : whether runs in shuffled order are there; else they read NaN
    """
    runs = [read_piece(folder, shear_name(sample, loading.name)) for loading in loadings]
    for loading, run in zip(loadings, runs, strict=True):
        if not np.allclose(run["frame"], loading.frame, atol=1e-12):
            raise ValueError(
                f"sample {sample} was sheared in another frame than that of {loading.name}: "
                "remove the piece and generate again"
            )
    arrays = dict(structure) | {
        key: np.stack([run[key] for run in runs])
        for key in ("d2min", "shear_stress", "potential_energy")
    }
    shape = (len(loadings), len(schedule.strains), len(structure["positions"]))
    arrays["d2min_repeat"] = np.full(shape, np.nan, dtype=np.float32)
    if repeated:
        arrays["d2min_repeat"] = np.stack(
            [read_piece(folder, shear_name(sample, one.name, 1))["d2min"] for one in loadings]
        )
    return arrays


def curve_strains(schedule: ShearSchedule) -> tuple[float, ...]:
    """Return the strains of the stress and energy curves, 0 first."""
    return tuple(float(k * schedule.step) for k in range(schedule.steps + 1))
