"""Settings of the training loop, the same for every model."""

from __future__ import annotations

from dataclasses import dataclass, fields

SCHEDULES = ("constant", "cosine", "warmup_cosine")
PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class TrainingSettings:
    """Hyperparameters of the loop.

    Attributes
    ----------
    epochs : passes over the training examples
    learning_rate : of Adam, at its highest
    schedule : `constant`, `cosine` (falling to zero), or `warmup_cosine` (rising linearly for the
        first tenth of the training before it falls, so that a good start is not lost)
    batch_size : examples per update, over all workers together
    gradient_clip : largest norm of a gradient, 0 for no limit
    patience : epochs without a better validation score before stopping, 0 for never
    precision : `float32`, `bfloat16`, or `auto`: bfloat16 where the hardware multiplies it
    augment : draw a symmetry of the task for every example
    checkpoint_seconds : longest time between two checkpoints
    """

    epochs: int = 100
    learning_rate: float = 1e-4
    schedule: str = "constant"
    batch_size: int = 1
    gradient_clip: float = 1.0
    patience: int = 0
    precision: str = "auto"
    augment: bool = True
    checkpoint_seconds: float = 60.0

    def __post_init__(self) -> None:
        _at_least(self, "epochs", 1)
        _at_least(self, "batch_size", 1)
        _at_least(self, "patience", 0)
        _at_least(self, "gradient_clip", 0)
        _at_least(self, "checkpoint_seconds", 0)
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate is {self.learning_rate}: it must be above 0")
        _one_of(self, "schedule", SCHEDULES)
        _one_of(self, "precision", PRECISIONS)

    @classmethod
    def names(cls) -> frozenset[str]:
        return frozenset(f.name for f in fields(cls))


def _at_least(settings: TrainingSettings, name: str, limit: float) -> None:
    value = getattr(settings, name)
    if value < limit:
        raise ValueError(f"{name} is {value}: it must be at least {limit}")


def _one_of(settings: TrainingSettings, name: str, known: tuple[str, ...]) -> None:
    value = getattr(settings, name)
    if value not in known:
        raise ValueError(f"{name} is `{value}`: it must be one of {', '.join(known)}")
