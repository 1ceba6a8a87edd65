"""The plan of a copper-zirconium stiffness dataset: quenched samples, then warm runs of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..datasets.layout import ConfigurationEntry
from .copper_zirconium_potential import choose_potential as choose_potential
from .copper_zirconium_potential import potential_attribute
from .copper_zirconium_samples import (
    SAMPLE_WORK,
    SampleSet,
    constant_rate_samples,
    copper_zirconium_speed,
    pieces_folder_name,
    sample_bytes,
    sample_pieces,
)
from .pieces import Piece, unfinished
from .stiffness import StiffnessProtocol
from .stored_states import STORED_STATE_WORK, PlannedState, held_states, stored_piece
from .vibration import SHORT_RUN, TEMPERATURE, make_warm_run, vibration_pieces

TEMPERATURES = (50.0, 100.0, 150.0, 200.0, 250.0, 300.0)


@dataclass(frozen=True)
class State:
    """Samples of one composition and cooling rate; `splits` names the split of each, in order."""

    name: str
    samples: SampleSet
    splits: tuple[str, ...]
    temperatures: tuple[float, ...] = TEMPERATURES
    stiffness: StiffnessProtocol = field(default_factory=StiffnessProtocol)
    vibration: StiffnessProtocol = SHORT_RUN

    @property
    def sample_names(self) -> tuple[str, ...]:
        return tuple(self.samples.sample(number) for number in range(len(self.splits)))

    @property
    def vibration_attributes(self) -> dict[str, object]:
        """What a dataset says of the run that gives the vibrations."""
        return {"temperature": TEMPERATURE, **self.vibration.as_attributes()}


def _state(rate: float, atoms: int, **splits: int) -> State:
    return State(
        name=f"Cu50Zr50-1e{len(str(int(rate))) - 1}",
        samples=constant_rate_samples(rate, atoms),
        splits=tuple(split for split, count in splits.items() for _ in range(count)),
    )


# Every atom is a data point, so that three samples are enough to learn from; it takes six to
# test with for differences between models to be significant.
MINI = (_state(1e13, 4000, test=6, valid=1, train=3), _state(1e12, 4000, test=2))
PAPER = (
    _state(1e10, 19652, test=1, valid=1, train=8),
    *(_state(rate, 19652, test=1) for rate in (1e9, 1e11, 1e12, 1e13)),
)

PLANS = {"mini": MINI, "paper": PAPER}


def folder_name(dataset: str) -> str:
    """Return the folder of the pieces, shared with every task that reads the same samples."""
    return pieces_folder_name(dataset.split("_")[0])


def pieces(dataset: str) -> list[Piece]:
    """Return the pieces of a dataset: the samples first, since other tasks wait for them too."""
    return pieces_of(PLANS[dataset])


def pieces_from(dataset: str, path: Path | str) -> list[Piece]:
    """Return the pieces of a dataset with the cooling rates that the dataset at `path` holds."""
    states = PLANS[dataset]
    held = held_states([_as_planned(state) for state in states], path)
    return [
        *(stored_piece(name, path) for name in sorted(held)),
        *pieces_of([state for state in states if state.name not in held]),
    ]


def _as_planned(state: State) -> PlannedState:
    protocol = state.samples.protocol
    return PlannedState(
        name=state.name,
        configurations=entries_of(state),
        attributes={
            "protocol": protocol.as_attributes(),
            "stiffness": state.stiffness.as_attributes(),
            "vibrational_msd": state.vibration_attributes,
            "potential": potential_attribute(protocol.potential),
        },
        axes={"temperature": state.temperatures},
    )


def entries_of(state: State) -> tuple[ConfigurationEntry, ...]:
    """Return name, split and parent of each sample."""
    return tuple(
        ConfigurationEntry(sample, split, sample)
        for sample, split in zip(state.sample_names, state.splits, strict=True)
    )


def pieces_of(states: Sequence[State]) -> list[Piece]:
    """Return the pieces of some cooling rates, the samples first."""
    samples = [
        piece
        for state in states
        for piece in sample_pieces(state.samples, range(len(state.splits)))
    ]
    runs = [
        piece
        for state in states
        for number in range(len(state.splits))
        for piece in [
            *stiffness_pieces(state, number),
            *vibration_pieces(state.samples, range(number, number + 1), state.vibration),
        ]
    ]
    return samples + runs


def stiffness_pieces(state: State, number: int) -> list[Piece]:
    """Return the warm runs of one sample, one for each temperature."""
    sample, protocol = state.samples.sample(number), state.samples.protocol
    return [
        Piece(
            name=stiffness_name(sample, temperature),
            kind="stiffness",
            arguments={
                "temperature": temperature,
                "protocol": asdict(state.stiffness),
                "names": ["cuzr_stiffness", state.samples.name, number, temperature],
                "potential": protocol.potential,
            },
            needs=(sample,),
            atom_steps=protocol.atoms * state.stiffness.steps,
        )
        for temperature in state.temperatures
    ]


def stiffness_name(sample: str, temperature: float) -> str:
    """Return the name of the piece that holds the stiffness of a sample at a temperature (K)."""
    return f"{sample}-stiffness{temperature:03.0f}K"


def disk_bytes(dataset: str) -> int:
    """Return the bytes that the pieces of a dataset take until it is assembled."""
    return sum(
        len(state.splits)
        * (
            sample_bytes(state.samples.protocol)
            + (len(state.temperatures) + 1) * state.samples.protocol.atoms * 7 * 8
        )
        for state in PLANS[dataset]
    )


WORK = SAMPLE_WORK | STORED_STATE_WORK | {"stiffness": make_warm_run, "vibration": make_warm_run}


def assemble(dataset: str, folder: Path, destination: Path) -> Path:
    """Write the dataset of all pieces in `folder` to `destination`.

    A cooling rate that lacks a piece of its own is taken as another dataset held it.
    """
    from .stiffness_dataset import assemble_cuzr_stiffness

    states = PLANS[dataset]
    stored = [state for state in states if unfinished(pieces_of([state]), folder)]
    return assemble_cuzr_stiffness(states, folder, destination, name=dataset, stored=stored)


def atom_steps_per_second(seconds: float = 10.0) -> float:
    """Return the atom-steps per CPU second of the hot copper-zirconium liquid on one core."""
    return copper_zirconium_speed(seconds)
