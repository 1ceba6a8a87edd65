"""Training on single particles: RMSprop, a learning rate that falls at plateaus, checkpoints.

Order and augmentation are drawn from (seed, epoch, batch), so that a run that goes on
from a checkpoint, one for each epoch, takes the very steps that it would have taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import torch

from ..model import Progress, Run
from . import distribution
from .checkpoint import CheckpointWriter, TrainingState, load_checkpoint
from .loop import TrainingFailed
from .particle_settings import ParticleSettings

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

    Raises
    ------
    TrainingFailed
        If the loss is not finite.
    DistributionError
        If several workers train a network with batch normalisation.
    """
    optimiser = torch.optim.RMSprop(network.parameters(), lr=settings.learning_rate, alpha=0.9)
    optimiser.param_groups[0][DROPPED_AT] = 0
    identity = {"settings": asdict(settings), "seed": run.seed, "particles": particles}
    place = run.checkpoints or run.folder
    state = load_checkpoint(place, network, optimiser, identity, run.device)
    state = state or TrainingState()
    distribution.start_equal(network)
    writer = CheckpointWriter(place, network, optimiser, identity)
    while state.epoch < settings.epochs and not _stale(state, settings):
        _train_epoch(network, optimiser, particles, loss_of, settings, run, state)
        _close_epoch(network, optimiser, validate, settings, run, state)
        writer.save(state)
    if state.best_weights:
        network.load_state_dict(state.best_weights)
    return state


def _train_epoch(network, optimiser, particles, loss_of, settings, run, state) -> None:
    network.train()
    order = np.random.default_rng([run.seed, 1, state.epoch]).permutation(particles)
    state.loss_sum, state.loss_count = 0.0, 0
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
        if not math.isfinite(batch_loss):
            raise TrainingFailed(
                f"the loss is {batch_loss} in epoch {state.epoch + 1}: lower the learning rate "
                f"(it is {settings.learning_rate:g}) or look at the training targets"
            )
        optimiser.step()
        state.loss_sum += batch_loss * len(batch)
        state.loss_count += len(batch)


def _close_epoch(network, optimiser, validate, settings, run, state) -> None:
    network.eval()
    score = validate() if distribution.rank() == 0 else None
    score = distribution.from_first_worker(score, run.device)
    state.epoch += 1
    # An undefined score is none: nothing would ever be better than it.
    defined = score is not None and not math.isnan(score)
    if defined and (state.best_score is None or score > state.best_score):
        state.best_score, state.best_epoch = score, state.epoch
        state.best_weights = {
            name: value.detach().clone() for name, value in network.state_dict().items()
        }
    group = optimiser.param_groups[0]
    progress = Progress(
        epoch=state.epoch,
        epochs=settings.epochs,
        loss=state.loss_sum / state.loss_count,
        validation_score=score,
        learning_rate=group["lr"],
    )
    waited = state.epoch - max(state.best_epoch, group[DROPPED_AT])
    if settings.plateau and score is not None and waited >= settings.plateau:
        group["lr"] /= math.sqrt(10)
        group[DROPPED_AT] = state.epoch
    if distribution.rank() == 0:
        run.report(progress)


def _stale(state: TrainingState, settings: ParticleSettings) -> bool:
    return bool(settings.patience) and state.epoch - state.best_epoch >= settings.patience
