"""The pieces of a plasticity dataset that load a sample, whatever its substance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from .loading import Loading
from .material import Material
from .pieces import Piece
from .quasistatic_shear import ShearSchedule, quasistatic_shear
from .seeds import generator_from_names


def shear_name(sample: str, loading: str, repeat: int = 0) -> str:
    """Return the name of the piece that shears a sample along a loading."""
    return f"{sample}-{loading}" + (f"-repeat{repeat}" if repeat else "")


def shear_piece(
    sample: str,
    loading: Loading,
    schedule: ShearSchedule,
    names: Sequence[object],
    *,
    particles: int,
    evaluations_per_step: float,
    repeat: int = 0,
) -> Piece:
    """Return the piece that shears the sample that another piece leaves.

    `repeat` 0 is the run that a dataset takes its labels from; any other number shuffles
    the order of the particles by a seed of its own. `evaluations_per_step` is the number
    of force evaluations of one minimisation, for the estimate of costs.
    """
    return Piece(
        name=shear_name(sample, loading.name, repeat),
        kind="shear",
        arguments={
            "loading": loading.name,
            "schedule": asdict(schedule) | {"strains": list(schedule.strains)},
            "names": [*names, loading.name, repeat],
            "repeat": repeat,
        },
        needs=(sample,),
        atom_steps=particles * schedule.steps * evaluations_per_step,
    )


def make_shear(
    request: dict,
    structure: Mapping[str, np.ndarray],
    material: Material,
    loadings: Sequence[Loading],
) -> dict[str, np.ndarray]:
    """Shear a structure along the loading of a request; see `quasistatic_shear`.

    `structure` holds `positions` (N, d), `species` (N,) and `box` (d,).
    """
    arguments = request["arguments"]
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
        Path(request["log"]),
        order,
    )
