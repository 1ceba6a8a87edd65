"""The epochs of every loop: checkpoints, validation, the best weights so far, and a report."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch

from ..model import Progress, Run
from . import distribution
from .checkpoint import CheckpointWriter, TrainingState, load_checkpoint
from .settings import LoopSettings


class TrainingFailed(RuntimeError):
    """Training cannot go on; the message says at which epoch and what to change."""


def check_loss(loss: float, state: TrainingState, settings: LoopSettings) -> None:
    """Refuse a loss that is not finite."""
    if not math.isfinite(loss):
        raise TrainingFailed(
            f"the loss is {loss} in epoch {state.epoch + 1}: lower the learning rate "
            f"(it is {settings.learning_rate:g}) or look at the training targets"
        )


def train_epochs(
    network: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    identity: dict[str, Any],
    train_epoch: Callable[[TrainingState, CheckpointWriter], None],
    rate_of: Callable[[TrainingState], float],
    validate: Callable[[], float | None],
    settings: LoopSettings,
    run: Run,
    after: Callable[[TrainingState], None] = lambda state: None,
) -> TrainingState:
    """Train epoch by epoch, from the last checkpoint on, and keep the best weights.

    Parameters
    ----------
    identity : what a checkpoint must agree with, beside settings and seed
    rate_of : learning rate that an epoch ends with, for the report
    validate : validation score, higher is better; None where there is no validation
    after : called when an epoch has a validation score
    """
    identity = {"settings": asdict(settings), "seed": run.seed, **identity}
    checkpoints = run.checkpoints or run.folder
    state = load_checkpoint(checkpoints, network, optimiser, identity, run.device)
    state = state or TrainingState()
    distribution.start_equal(network)
    writer = CheckpointWriter(checkpoints, network, optimiser, identity)
    while state.epoch < settings.epochs and not _is_stale(state, settings):
        train_epoch(state, writer)
        if _close_epoch(network, validate, settings, run, state, rate_of(state)) is not None:
            after(state)
        writer.save(state)
    if state.best_weights:
        network.load_state_dict(state.best_weights)
    return state


def _close_epoch(
    network: torch.nn.Module,
    validate: Callable[[], float | None],
    settings: LoopSettings,
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


def _is_stale(state: TrainingState, settings: LoopSettings) -> bool:
    """Return whether the best epoch is as long ago as patience allows."""
    return bool(settings.patience) and state.epoch - state.best_epoch >= settings.patience
