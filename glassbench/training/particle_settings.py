"""Settings of the training loop over images of single particles."""

from __future__ import annotations

from dataclasses import dataclass, fields

from .settings import PRECISIONS


@dataclass(frozen=True)
class ParticleSettings:
    """Hyperparameters of the loop over particles.

    Attributes
    ----------
    epochs : passes over the training particles
    learning_rate : of RMSprop at the start
    plateau : epochs without a better validation score before the learning rate is divided
        by sqrt(10); 0 for never
    patience : epochs without a better validation score before stopping; 0 for never
    batch_size : particles per update, over all workers together
    precision : `float32`, `bfloat16`, or `auto`: bfloat16 where the hardware multiplies it
    augment : draw a symmetry of the task for every particle
    average : predict with the average over all symmetries of the task
    """

    epochs: int = 50
    learning_rate: float = 1e-3
    plateau: int = 3
    patience: int = 0
    batch_size: int = 512
    precision: str = "auto"
    augment: bool = True
    average: bool = True

    def __post_init__(self) -> None:
        limits = {"epochs": 1, "batch_size": 1, "plateau": 0, "patience": 0}
        for name, limit in limits.items():
            if getattr(self, name) < limit:
                raise ValueError(f"{name} is {getattr(self, name)}: it must be at least {limit}")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate is {self.learning_rate}: it must be above 0")
        if self.precision not in PRECISIONS:
            raise ValueError(
                f"precision is `{self.precision}`: it must be one of {', '.join(PRECISIONS)}"
            )

    @classmethod
    def names(cls) -> frozenset[str]:
        return frozenset(f.name for f in fields(cls))
