"""Training on single particles: RMSprop, a learning rate that falls at plateaus, checkpoints.

Order and augmentation are drawn from (seed, epoch, batch), so that a run that goes on
from a checkpoint, one for each epoch, takes the very steps that it would have taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch

from ..model import Run
from . import distribution
from .checkpoint import CheckpointWriter, TrainingState
from .loop import check_loss, train_epochs
from .settings import ParticleSettings

LossOf = Callable[[np.ndarray, slice, np.random.Generator], torch.Tensor]
DROPPED_AT = "dropped_at"


def train_on_particles(
    network: torch.nn.Module,
    particles: int,
    loss_of: LossOf,
    validate: Callable[[], float | None],
    settings: ParticleSettings,
    run: Run,
) -> TrainingState:
    """Train `network` in place and leave it with the weights of the best validation.

    Parameters
    ----------
    particles : number of training particles
    loss_of : mean loss over a share of the particles with these indices; the generator
        is to be drawn from for all of them, so that the share does not change what is drawn
    validate : validation score, higher is better; None where there is no validation
    """
    optimiser = torch.optim.RMSprop(network.parameters(), lr=settings.learning_rate, alpha=0.9)
    optimiser.param_groups[0][DROPPED_AT] = 0

    def train_epoch(state: TrainingState, _: CheckpointWriter) -> None:
        _train_epoch(network, optimiser, particles, loss_of, settings, run, state)

    return train_epochs(
        network,
        optimiser,
        {"particles": particles},
        train_epoch,
        lambda state: optimiser.param_groups[0]["lr"],
        validate,
        settings,
        run,
        after=lambda state: _drop_at_plateau(optimiser, settings, state),
    )


def _train_epoch(
    network: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    particles: int,
    loss_of: LossOf,
    settings: ParticleSettings,
    run: Run,
    state: TrainingState,
) -> None:
    network.train()
    order = np.random.default_rng([run.seed, 1, state.epoch]).permutation(particles)
    for number, low in enumerate(range(0, particles, settings.batch_size)):
        batch = order[low : low + settings.batch_size]
        share = slice(distribution.rank(), None, distribution.world_size())
        generator = np.random.default_rng([run.seed, 2, state.epoch, number, 0])
        optimiser.zero_grad(set_to_none=True)
        batch_loss = 0.0
        if len(batch[share]):
            loss = loss_of(batch, share, generator) * (len(batch[share]) / len(batch))
            loss.backward()
            batch_loss = float(loss.detach())
        distribution.sum_gradients(network.parameters())
        batch_loss = distribution.sum_over_workers(batch_loss, run.device)
        check_loss(batch_loss, state, settings)
        optimiser.step()
        state.loss_sum += batch_loss * len(batch)
        state.loss_count += len(batch)


def _drop_at_plateau(
    optimiser: torch.optim.Optimizer, settings: ParticleSettings, state: TrainingState
) -> None:
    """Lower the learning rate where the validation score has not grown for `plateau` epochs."""
    group = optimiser.param_groups[0]
    waited = state.epoch - max(state.best_epoch, group[DROPPED_AT])
    if settings.plateau and waited >= settings.plateau:
        group["lr"] /= math.sqrt(10)
        group[DROPPED_AT] = state.epoch
