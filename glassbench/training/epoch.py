"""What ends every epoch of every loop: validation, the best weights so far, and a report."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import torch

from ..model import Progress, Run
from . import distribution
from .checkpoint import TrainingState


class EpochSettings(Protocol):
    """What the end of an epoch needs of the settings of a loop."""

    @property
    def epochs(self) -> int: ...
    @property
    def patience(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...


class TrainingFailed(RuntimeError):
    """Training cannot go on; the message says at which epoch and what to change."""


def check_loss(loss: float, state: TrainingState, settings: EpochSettings) -> None:
    """Refuse a loss that is not finite."""
    if not math.isfinite(loss):
        raise TrainingFailed(
            f"the loss is {loss} in epoch {state.epoch + 1}: lower the learning rate "
            f"(it is {settings.learning_rate:g}) or look at the training targets"
        )


def close_epoch(
    network: torch.nn.Module,
    validate: Callable[[], float | None],
    settings: EpochSettings,
    run: Run,
    state: TrainingState,
    learning_rate: float,
) -> float | None:
    """Validate, keep the weights if they are the best so far, report; return the score."""
    network.eval()
    score = validate() if distribution.rank() == 0 else None
    score = distribution.from_first_worker(score, run.device)
    state.epoch += 1
    # An undefined score is none: nothing would ever be better than it.
    defined = None if score is None or math.isnan(score) else score
    if defined is not None and (state.best_score is None or defined > state.best_score):
        state.best_score, state.best_epoch = defined, state.epoch
        state.best_weights = {
            name: value.detach().clone() for name, value in network.state_dict().items()
        }
    progress = Progress(
        epoch=state.epoch,
        epochs=settings.epochs,
        loss=state.loss_sum / state.loss_count,
        validation_score=score,
        learning_rate=learning_rate,
    )
    state.position, state.loss_sum, state.loss_count = 0, 0.0, 0
    if distribution.rank() == 0:
        run.report(progress)
    return score


def is_stale(state: TrainingState, settings: EpochSettings) -> bool:
    """Return whether the best epoch is as long ago as patience allows."""
    return bool(settings.patience) and state.epoch - state.best_epoch >= settings.patience
