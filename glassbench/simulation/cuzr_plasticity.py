"""The plan of a copper-zirconium plasticity dataset: samples, each sheared in several frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .copper_zirconium_potential import choose_potential as choose_potential
from .copper_zirconium_potential import copper_zirconium
from .copper_zirconium_samples import (
    SAMPLE_WORK,
    SampleSet,
    alloy,
    constant_rate_samples,
    copper_zirconium_speed,
    effective_rate_samples,
    pieces_folder_name,
    read_structure,
    sample_bytes,
    sample_pieces,
)
from .loading import Loading, loadings_3d
from .pieces import Piece
from .quasistatic_shear import ShearSchedule
from .shear_pieces import make_shear, shear_piece
from .stored_samples import STORED_WORK, with_stored_samples
from .vibration import make_warm_run, vibration_pieces

NEIGHBOUR_CUTOFF = 4.5
EVALUATIONS_PER_STEP = 260.0
MINI_LOADINGS = (
    "xy_positive",
    "yz_positive",
    "zx_positive",
    "xy_positive_45z",
    "yz_positive_45x",
    "zx_positive_45y",
)


@dataclass(frozen=True)
class State:
    """Samples of one composition and cooling rate.

    Attributes
    ----------
    cooling_rate : K/s, the rate that names the state
    splits : the split of each sample, in the order of their numbers
    repeated : numbers of the samples that are sheared a second time in shuffled order
    threshold_state : name of the state whose training split defines what is plastic; its own
        where empty
    """

    name: str
    cooling_rate: float
    samples: SampleSet
    splits: tuple[str, ...]
    repeated: tuple[int, ...]
    schedule: ShearSchedule
    loading_names: tuple[str, ...]
    threshold_state: str = ""

    @property
    def loadings(self) -> tuple[Loading, ...]:
        return tuple(one for one in loadings_3d() if one.name in self.loading_names)

    @property
    def sample_names(self) -> tuple[str, ...]:
        return tuple(self.samples.sample(number) for number in range(len(self.splits)))


MINI = (
    State(
        name="Cu50Zr50-1e13",
        cooling_rate=1e13,
        samples=constant_rate_samples(1e13, 4000),
        splits=(*("test",) * 6, "valid", *("train",) * 5),
        repeated=(0, 1),
        schedule=ShearSchedule(
            step=1e-3,
            strains=(0.005, 0.01, 0.02, 0.03, 0.04, 0.05),
            force_tolerance=1e-4,
            neighbour_cutoff=NEIGHBOUR_CUTOFF,
        ),
        loading_names=MINI_LOADINGS,
    ),
)


def _paper_state(rate: float, copper: float, splits: dict[str, int], thresholds: str = "") -> State:
    """Return the samples of one composition and effective cooling rate as in Fan & Ma 2021."""
    return State(
        name=f"{alloy(copper)}-1e{round(np.log10(rate))}",
        cooling_rate=rate,
        samples=effective_rate_samples(rate, 32_000, copper),
        splits=tuple(split for split, count in splits.items() for _ in range(count)),
        repeated=tuple(range(splits["test"])),
        schedule=ShearSchedule(
            step=1e-4,
            strains=(0.005, *(percent / 100 for percent in range(1, 11))),
            force_tolerance=1e-4,
            neighbour_cutoff=NEIGHBOUR_CUTOFF,
        ),
        loading_names=tuple(loading.name for loading in loadings_3d()),
        threshold_state=thresholds,
    )


def _paper() -> tuple[State, ...]:
    main = _paper_state(1e10, 0.5, {"test": 10, "valid": 10, "train": 1480})
    rates = (1e9, 1e11, 1e12, 1e13)
    compositions = [percent / 100 for percent in range(20, 85, 5) if percent != 50]
    return (
        main,
        *(_paper_state(rate, 0.5, {"test": 10}, main.name) for rate in rates),
        *(_paper_state(1e10, copper, {"test": 10}, main.name) for copper in compositions),
    )


PLANS = {"mini": MINI, "paper": _paper()}


def folder_name(dataset: str) -> str:
    """Return the folder of the pieces, shared with every task that reads the same samples."""
    return pieces_folder_name(dataset)


def pieces_of(state: State) -> list[Piece]:
    """Return the samples of a state, then the runs that shear them and the short warm runs."""
    numbers = range(len(state.splits))
    atoms, loadings = state.samples.protocol.atoms, state.loadings
    found = sample_pieces(state.samples, numbers)
    for number, sample in enumerate(state.sample_names):
        found += vibration_pieces(state.samples, range(number, number + 1))
        found += [
            shear_piece(
                sample,
                loading,
                state.schedule,
                ["cuzr_plasticity", state.samples.name, number],
                particles=atoms,
                evaluations_per_step=EVALUATIONS_PER_STEP,
                repeat=repeat,
            )
            for repeat in ((0, 1) if number in state.repeated else (0,))
            for loading in loadings
        ]
    return found


def pieces(dataset: str) -> list[Piece]:
    """Return the pieces of every state of a dataset."""
    return [piece for state in PLANS[dataset] for piece in pieces_of(state)]


def pieces_from(dataset: str, path: Path | str) -> list[Piece]:
    """Return the pieces of a dataset with samples that the dataset at `path` holds."""
    return with_stored_samples(pieces(dataset), path)


def disk_bytes(dataset: str) -> int:
    """Return the bytes that the pieces of a dataset take until it is assembled."""
    return sum(bytes_of(state) for state in PLANS[dataset])


def bytes_of(state: State) -> int:
    """Return the bytes of the pieces of one state."""
    runs = len(state.loadings) * (len(state.splits) + len(state.repeated))
    labels = 4 * state.samples.protocol.atoms * len(state.schedule.strains)
    curves = 8 * 13 * (state.schedule.steps + 1)
    warm = state.samples.protocol.atoms * 7 * 8
    samples = len(state.splits) * (sample_bytes(state.samples.protocol) + warm)
    return samples + runs * (labels + curves)


def make_loaded(request: dict) -> dict[str, np.ndarray]:
    """Shear the sample of a request."""
    (sample,) = request["needs"]
    structure = read_structure(Path(request["folder"]), sample)
    return make_shear(request, structure, copper_zirconium(), loadings_3d())


WORK = SAMPLE_WORK | STORED_WORK | {"shear": make_loaded, "vibration": make_warm_run}


def assemble(dataset: str, folder: Path, destination: Path) -> Path:
    """Write the dataset of all pieces in `folder` to `destination`."""
    from .cuzr_dataset import assemble_cuzr_plasticity

    return assemble_cuzr_plasticity(PLANS[dataset], folder, destination, name=dataset)


def atom_steps_per_second(seconds: float = 10.0) -> float:
    """Return the atom-steps per CPU second of the hot copper-zirconium liquid on one core."""
    return copper_zirconium_speed(seconds)
