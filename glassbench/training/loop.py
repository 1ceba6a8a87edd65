"""The training loop over structures, and that over single particles, with checkpoints.

It knows nothing of Ray. Order and augmentation are drawn from (seed, epoch,
position), not from a running generator, so that a run that goes on from a
checkpoint takes the very steps that it would have taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import torch

from ..model import Progress, Run
from . import distribution
from .checkpoint import CheckpointWriter, TrainingState, load_checkpoint
from .settings import LoopSettings, ParticleSettings, TrainingSettings

WARMUP = 0.1  # share of the training in which `warmup_cosine` rises

LossOf = Callable[[int, np.random.Generator], torch.Tensor]
LossOfBatch = Callable[[Sequence[tuple[int, np.random.Generator]]], torch.Tensor]
LossOfParticles = Callable[[np.ndarray, slice, np.random.Generator], torch.Tensor]
DROPPED_AT = "dropped_at"


class TrainingFailed(RuntimeError):
    """Training cannot go on; the message says at which epoch and what to change."""


def _train(
    network: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    examples: dict[str, int],
    gradient_of: Callable[[Any, TrainingState], float],
    validate: Callable[[], float | None],
    settings: LoopSettings,
    run: Run,
    *,
    rate_at: Callable[[float], float] | None = None,
    clip: float = 0.0,
    checkpoint_seconds: float = math.inf,
    after: Callable[[TrainingState], None] = lambda state: None,
) -> TrainingState:
    """Train epoch by epoch, from the last checkpoint on, and keep the best weights.

    Parameters
    ----------
    examples : their number, by what a checkpoint calls them
    gradient_of : leaves the gradient of a batch's mean loss in the network, and returns the loss
    validate : validation score, higher is better; None where there is no validation
    rate_at : learning rate at a share of the training, where it follows a schedule
    checkpoint_seconds : between two checkpoints of an epoch, each of which ends with one
    after : called when an epoch has a validation score
    """
    identity = {"settings": asdict(settings), "seed": run.seed, **examples}
    checkpoints = run.checkpoints or run.folder
    state = load_checkpoint(checkpoints, network, optimiser, identity, run.device)
    state = state or TrainingState()
    distribution.start_equal(network)
    writer = CheckpointWriter(checkpoints, network, optimiser, identity)
    (count,) = examples.values()
    patience = settings.patience or math.inf
    while state.epoch < settings.epochs and state.epoch - state.best_epoch < patience:
        network.train()
        order = np.random.default_rng([run.seed, 1, state.epoch]).permutation(count)
        batches = [order[i : i + settings.batch_size] for i in range(0, count, settings.batch_size)]
        while state.position < len(batches):
            if rate_at is not None:
                progress = (state.epoch + state.position / len(batches)) / settings.epochs
                for group in optimiser.param_groups:
                    group["lr"] = rate_at(progress)
            batch = batches[state.position]
            optimiser.zero_grad(set_to_none=True)
            batch_loss = gradient_of(batch, state)
            if not math.isfinite(batch_loss):
                raise TrainingFailed(
                    f"the loss is {batch_loss} in epoch {state.epoch + 1}: lower the learning rate "
                    f"(it is {settings.learning_rate:g}) or look at the training targets"
                )
            if clip:
                torch.nn.utils.clip_grad_norm_(network.parameters(), clip)
            optimiser.step()
            state.position += 1
            state.loss_sum += batch_loss * len(batch)
            state.loss_count += len(batch)
            if state.position < len(batches):
                writer.save(state, checkpoint_seconds)
        rate = optimiser.param_groups[0]["lr"]
        if rate_at is not None:
            rate = rate_at((state.epoch + 1) / settings.epochs)
        if _close_epoch(network, validate, settings, run, state, rate) is not None:
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


def train_network(
    network: torch.nn.Module,
    examples: int,
    loss_of: LossOf,
    validate: Callable[[], float | None],
    settings: TrainingSettings,
    run: Run,
    loss_of_batch: LossOfBatch | None = None,
) -> TrainingState:
    """Train `network` in place and leave it with the weights of the best validation.

    Parameters
    ----------
    examples : number of training examples
    loss_of : differentiable loss of example k, augmented with the generator given
    validate : validation score, higher is better; None where there is no validation
    loss_of_batch : mean loss over several examples, each with its generator; where it is given,
        all examples of an update that fall to a worker are computed together
    """
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)

    def gradient_of(batch: Sequence[int], state: TrainingState) -> float:
        if loss_of_batch is None:
            return _gradient_of_each(network, batch, loss_of, run, state.epoch)
        mine = [int(example) for example in distribution.share_of(batch)]
        drawn = [(example, _generator(run, state.epoch, example)) for example in mine]
        if mine:
            torch.manual_seed(_seed(run.seed, state.epoch, mine[0]))
        return _gradient_of_share(network, lambda: loss_of_batch(drawn), mine, batch, run)

    return _train(
        network,
        optimiser,
        {"examples": examples},
        gradient_of,
        validate,
        settings,
        run,
        rate_at=partial(learning_rate, settings),
        clip=settings.gradient_clip,
        checkpoint_seconds=settings.checkpoint_seconds,
    )


def train_on_particles(
    network: torch.nn.Module,
    particles: int,
    loss_of: LossOfParticles,
    validate: Callable[[], float | None],
    settings: ParticleSettings,
    run: Run,
) -> TrainingState:
    """Train `network` on single particles, by RMSprop with a rate that falls at plateaus.

    As `train_network`, with a checkpoint for each epoch.

    Parameters
    ----------
    particles : number of training particles
    loss_of : mean loss over a share of the particles with these indices; the generator
        is to be drawn from for all of them, so that the share does not change what is drawn
    """
    optimiser = torch.optim.RMSprop(network.parameters(), lr=settings.learning_rate, alpha=0.9)
    optimiser.param_groups[0][DROPPED_AT] = 0
    share = slice(distribution.rank(), None, distribution.world_size())

    def gradient_of(batch: Any, state: TrainingState) -> float:
        generator = np.random.default_rng([run.seed, 2, state.epoch, state.position, 0])
        loss = partial(loss_of, batch, share, generator)
        return _gradient_of_share(network, loss, batch[share], batch, run)

    def drop_at_plateau(state: TrainingState) -> None:
        """Lower the rate where the validation score has not grown for `plateau` epochs."""
        group = optimiser.param_groups[0]
        waited = state.epoch - max(state.best_epoch, group[DROPPED_AT])
        if settings.plateau and waited >= settings.plateau:
            group["lr"] /= math.sqrt(10)
            group[DROPPED_AT] = state.epoch

    return _train(
        network,
        optimiser,
        {"particles": particles},
        gradient_of,
        validate,
        settings,
        run,
        after=drop_at_plateau,
    )


def _gradient_of_each(
    network: torch.nn.Module, batch: Sequence[int], loss_of: LossOf, run: Run, epoch: int
) -> float:
    """Leave the gradient of the batch's mean loss in the network, and return that loss.

    Example k of a batch is worker k's, modulo their number; the result does not depend on it.
    """
    gradients, losses = distribution.GradientSum(network.parameters()), []
    workers = distribution.world_size()
    for start in range(0, len(batch), workers):
        mine = start + distribution.rank()
        if mine < len(batch):
            example = int(batch[mine])
            # Layers that draw, such as dropout, draw the same wherever the example is computed.
            torch.manual_seed(_seed(run.seed, epoch, example))
            loss = loss_of(example, _generator(run, epoch, example)) / len(batch)
            loss.backward()
            losses.append(float(loss.detach()))
        gradients.add(examples=min(workers, len(batch) - start))
    gradients.finish()
    return sum(distribution.in_order(losses, len(batch), run.device))


def _gradient_of_share(
    network: torch.nn.Module,
    loss_of_share: Callable[[], torch.Tensor],
    mine: Sequence[int],
    batch: Sequence[int],
    run: Run,
) -> float:
    """Do as `_gradient_of_each`, all examples of a worker together: equal up to rounding."""
    own_loss = 0.0
    if len(mine):
        loss = loss_of_share() * (len(mine) / len(batch))
        loss.backward()
        own_loss = float(loss.detach())
    distribution.sum_gradients(network.parameters())
    return distribution.sum_over_workers(own_loss, run.device)


def _generator(run: Run, epoch: int, example: int) -> np.random.Generator:
    return np.random.default_rng([run.seed, 2, epoch, example])


def _seed(*numbers: int) -> int:
    return int(np.random.default_rng([3, *numbers]).integers(2**63))


def learning_rate(settings: TrainingSettings, progress: float) -> float:
    """Return the learning rate at a share of the training from 0 to 1."""
    if settings.schedule == "constant":
        return settings.learning_rate
    rise = WARMUP if settings.schedule == "warmup_cosine" else 0.0
    if progress < rise:
        return settings.learning_rate * progress / rise
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * (progress - rise) / (1 - rise)))
