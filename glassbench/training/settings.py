"""Settings of the two training loops, the same for every model that uses them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

AT_LEAST = {
    "epochs": 1,
    "batch_size": 1,
    "patience": 0,
    "plateau": 0,
    "gradient_clip": 0,
    "checkpoint_seconds": 0,
}
ONE_OF = {
    "schedule": ("constant", "cosine", "warmup_cosine"),
    "precision": ("auto", "float32", "bfloat16"),
}


@dataclass(frozen=True)
class LoopSettings:
    """What both loops are told; a value that is out of its limits is refused.

    Attributes
    ----------
    epochs : passes over the training examples, or particles
    learning_rate : at its highest
    batch_size : examples, or particles, per update, over all workers together
    patience : epochs without a better validation score before stopping, 0 for never
    precision : `float32`, `bfloat16`, or `auto`: bfloat16 where the hardware multiplies it
    augment : draw a symmetry of the task for every example, or particle
    """

    least: ClassVar[Mapping[str, int]] = {}
    epochs: int = 100
    learning_rate: float = 1e-4
    batch_size: int = 1
    patience: int = 0
    precision: str = "auto"
    augment: bool = True

    def __post_init__(self) -> None:
        for field in fields(self):
            name, value = field.name, getattr(self, field.name)
            least = self.least.get(name, AT_LEAST.get(name))
            if least is not None and value < least:
                raise ValueError(f"{name} is {value}: it must be at least {least}")
            if name in ONE_OF and value not in ONE_OF[name]:
                known = ", ".join(ONE_OF[name])
                raise ValueError(f"{name} is `{value}`: it must be one of {known}")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate is {self.learning_rate}: it must be above 0")


@dataclass(frozen=True)
class TrainingSettings(LoopSettings):
    """Hyperparameters of the loop over structures, by Adam; without epochs it changes nothing.

    Attributes
    ----------
    schedule : `constant`, `cosine` (falling to zero), or `warmup_cosine` (rising linearly for the
        first tenth of the training before it falls, so that a good start is not lost)
    gradient_clip : largest norm of a gradient, 0 for no limit
    checkpoint_seconds : longest time between two checkpoints
    """

    least = {"epochs": 0}
    schedule: str = "constant"
    gradient_clip: float = 1.0
    checkpoint_seconds: float = 60.0


@dataclass(frozen=True)
class ParticleSettings(LoopSettings):
    """Hyperparameters of the loop over single particles, by RMSprop.

    Attributes
    ----------
    plateau : epochs without a better validation score before the learning rate is divided
        by sqrt(10); 0 for never
    average : predict with the average over all symmetries of the task
    """

    epochs: int = 50
    learning_rate: float = 1e-3
    batch_size: int = 512
    plateau: int = 3
    average: bool = True
