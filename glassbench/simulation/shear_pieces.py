"""The pieces that shear the samples of a plan, whatever their substance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from .loading import Loading
from .material import Material
from .pieces import Piece
from .quasistatic_shear import ShearSchedule, quasistatic_shear
from .seeds import generator_from_names


@dataclass(frozen=True)
class ShearedSample:
    """One sample of a plan; `repeated` ones are sheared a second time in shuffled order."""

    name: str
    split: str
    number: int
    repeated: bool


class ShearedState(Protocol):
    """Samples that were made alike, each of `particles`, each sheared along all `loadings`."""

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
    def threshold_state(self) -> str:
        """Name of the state whose training split defines what is plastic; its own where empty."""
        ...


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
    of the particles by a seed of its own.

    Parameters
    ----------
    names : what the seeds are drawn from, with the loading and the repeat
    evaluations_per_step : force evaluations of one minimisation, for the estimate of costs
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
    """Return the bytes that the pieces that shear the samples of a state take."""
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
    """Shear a structure along the loading of a piece; see `quasistatic_shear`.

    `structure` holds `positions` (N, d), `species` (N,) and `box` (d,).
    """
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
