"""Checkpoints: everything that a training run needs to go on as if it had not stopped."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from ..home.files import Storage, whole_file
from . import distribution

CHECKPOINT_NAME = "checkpoint.pt"
# The loop reads them anew at every step, so that they may change between two epochs.
CHANGEABLE = ("learning_rate", "gradient_clip")
logger = logging.getLogger("glassbench.training")


@dataclass
class TrainingState:
    """Where a training run stands: in the epoch under way and at the best validation so far."""

    epoch: int = 0
    position: int = 0  # global batches done in the epoch under way
    loss_sum: float = 0.0
    loss_count: int = 0
    best_score: float | None = None
    best_epoch: int = 0
    best_weights: dict[str, torch.Tensor] = field(default_factory=dict)


def write_tensors(content: dict[str, Any], path: Path) -> None:
    """Write what `torch.load` reads; where there is no room, OSError says so, as torch does not."""
    Storage(path.parent).write(path.name, _packed(content))


def _packed(content: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


class CheckpointWriter:
    """Writes the checkpoints of one training, from the first worker alone.

    Each appears whole and replaces the one before. Where one cannot be written, the training goes
    on and the log says so, once. `identity` says which run this is; a checkpoint of another run is
    never resumed. `place` is a folder, or a URI as `storage.Storage` takes it.
    """

    def __init__(
        self,
        place: Path | str,
        network: torch.nn.Module,
        optimiser: torch.optim.Optimizer,
        identity: dict[str, Any],
    ) -> None:
        self.place, self.network, self.optimiser = place, network, optimiser
        self.identity = identity
        self.failing, self.saved_at = False, time.monotonic()

    def save(self, state: TrainingState, seconds: float = 0.0) -> None:
        """Write, where that many seconds have passed since the last time."""
        if time.monotonic() - self.saved_at < seconds:
            return
        self.saved_at = time.monotonic()
        if distribution.rank() != 0:
            return
        content = {
            "identity": self.identity,
            "state": asdict(state),
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "random": {
                "cpu": torch.get_rng_state(),
                "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            },
        }
        try:
            Storage(self.place).write(CHECKPOINT_NAME, _packed(content))
        except OSError as error:
            if not self.failing:
                logger.warning(
                    "no checkpoint in epoch %d (%s): the training goes on without; look at %s",
                    state.epoch + bool(state.position),
                    error.strerror or error,
                    self.place,
                )
            self.failing = True
        else:
            self.failing = False


def load_checkpoint(
    place: Path | str,
    network: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    identity: dict[str, Any],
    device: str,
) -> TrainingState | None:
    """Restore network, optimiser and generators; return the state, or None to start afresh.

    Of several workers the first one alone reads, and hands on what it read.
    """
    stored = Storage(place).read(CHECKPOINT_NAME) if distribution.rank() == 0 else None
    stored = distribution.from_first_worker(stored, device)
    if stored is None:
        return None
    try:
        content = torch.load(io.BytesIO(stored), map_location=device, weights_only=True)
    except Exception as error:
        logger.warning("the checkpoint at %s cannot be read (%s): starting afresh", place, error)
        return None
    if content["identity"] != identity:
        return None
    network.load_state_dict(content["network"])
    optimiser.load_state_dict(content["optimiser"])
    torch.set_rng_state(content["random"]["cpu"].cpu())
    if torch.cuda.is_available():
        # The machine that goes on may have fewer GPUs than the one that wrote.
        states = content["random"]["cuda"][: torch.cuda.device_count()]
        torch.cuda.set_rng_state_all([state.cpu() for state in states])
    return TrainingState(**content["state"])


def adopt_checkpoint(source: Path, target: Path, hyperparameters: Mapping[str, Any]) -> None:
    """Make `target` hold the checkpoint of `source`, for a training with these hyperparameters.

    Weights, moments of the optimiser, epoch and best score stay; of the hyperparameters
    those in `CHANGEABLE` become the new ones. Nothing happens where `source` holds none.
    """
    path = source / CHECKPOINT_NAME
    if not path.exists():
        return
    content = torch.load(path, map_location="cpu", weights_only=True)
    settings = content["identity"]["settings"]
    changes = {name: hyperparameters[name] for name in CHANGEABLE if name in hyperparameters}
    settings.update({name: value for name, value in changes.items() if name in settings})
    with whole_file(target / CHECKPOINT_NAME) as partial:
        torch.save(content, partial)
