"""What a dataset of atomic stiffness is made of: samples by cooling rate, each run when warm."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain

from glassbench.datasets.layout import ConfigurationEntry
from glassbench.simulation.pieces import Piece
from glassbench.simulation.stored_states import StateRecipe

from .samples import copper_zirconium, potential, warm_run

TEMPERATURES = (50.0, 100.0, 150.0, 200.0, 250.0, 300.0)


@dataclass(frozen=True)
class State:
    """Samples of one composition and cooling rate; `splits` names the split of each, in order."""

    name: str
    samples: copper_zirconium.SampleSet
    splits: tuple[str, ...]
    temperatures: tuple[float, ...] = TEMPERATURES
    stiffness: warm_run.StiffnessProtocol = field(default_factory=warm_run.StiffnessProtocol)
    vibration: warm_run.StiffnessProtocol = warm_run.SHORT_RUN

    @property
    def sample_names(self) -> tuple[str, ...]:
        return tuple(self.samples.sample(number) for number in range(len(self.splits)))

    @property
    def entries(self) -> tuple[ConfigurationEntry, ...]:
        """Name, split and parent of each sample."""
        return tuple(
            ConfigurationEntry(sample, split, sample)
            for sample, split in zip(self.sample_names, self.splits, strict=True)
        )

    @property
    def vibration_attributes(self) -> dict[str, object]:
        """What a dataset says of the run that gives the vibrations."""
        return {"temperature": warm_run.VIBRATION_TEMPERATURE, **self.vibration.as_attributes()}

    def recipe(self) -> StateRecipe:
        """Return what must be the same in a dataset that this state is taken from."""
        protocol = self.samples.protocol
        return StateRecipe(
            name=self.name,
            configurations=self.entries,
            attributes={
                "protocol": protocol.as_attributes(),
                "stiffness": self.stiffness.as_attributes(),
                "vibrational_msd": self.vibration_attributes,
                "potential": potential.potential_attribute(protocol.potential),
            },
            axes={"temperature": self.temperatures},
        )

    def pieces(self) -> list[Piece]:
        """Return the pieces, the samples first, since other tasks wait for them too."""
        numbers = range(len(self.splits))
        samples = [copper_zirconium.sample_pieces(self.samples, number) for number in numbers]
        return list(chain(*samples, *(self._runs(number) for number in numbers)))

    def _runs(self, number: int) -> list[Piece]:
        """Return the warm runs of one sample, one for each temperature, and the short one."""
        runs = [
            warm_run.warm_piece(
                stiffness_name(self.samples.sample(number), temperature),
                "stiffness",
                self.samples,
                number,
                temperature,
                self.stiffness,
                ["cuzr_stiffness", self.samples.name, number, temperature],
            )
            for temperature in self.temperatures
        ]
        return [*runs, warm_run.vibration_piece(self.samples, number, self.vibration)]

    def disk_bytes(self) -> int:
        """Return the bytes of the pieces."""
        protocol = self.samples.protocol
        warm = (len(self.temperatures) + 1) * protocol.atoms * 7 * 8
        return len(self.splits) * (copper_zirconium.sample_bytes(protocol) + warm)


def stiffness_name(sample: str, temperature: float) -> str:
    """Return the name of the piece that holds the stiffness of a sample at a temperature (K)."""
    return f"{sample}-stiffness{temperature:03.0f}K"


def _state(rate: float, atoms: int, **splits: int) -> State:
    return State(
        name=f"Cu50Zr50-1e{len(str(int(rate))) - 1}",
        samples=copper_zirconium.constant_rate_samples(rate, atoms),
        splits=tuple(split for split, count in splits.items() for _ in range(count)),
    )


# Every atom is a data point, so that three samples are enough to learn from; it takes six to
# test with for differences between models to be significant.
MINI = (_state(1e13, 4000, test=6, valid=1, train=3), _state(1e12, 4000, test=2))
PAPER = (
    _state(1e10, 19652, test=1, valid=1, train=8),
    *(_state(rate, 19652, test=1) for rate in (1e9, 1e11, 1e12, 1e13)),
)
