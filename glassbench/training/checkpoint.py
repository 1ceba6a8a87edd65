"""Checkpoints: everything that a training run needs to go on as if it had not stopped."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

CHECKPOINT_NAME = "checkpoint.pt"


@dataclass
class TrainingState:
    """Where a training run stands.

    Attributes
    ----------
    epoch : epochs finished
    position : global batches done in the epoch under way
    loss_sum, loss_count : running loss of the epoch under way
    best_score, best_epoch, best_weights : the best validation so far
    """

    epoch: int = 0
    position: int = 0
    loss_sum: float = 0.0
    loss_count: int = 0
    best_score: float | None = None
    best_epoch: int = 0
    best_weights: dict[str, torch.Tensor] = field(default_factory=dict)


def save_checkpoint(
    folder: Path,
    state: TrainingState,
    network: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    identity: dict[str, Any],
) -> None:
    """Write the checkpoint so that it appears whole, replacing the one before.

    `identity` says which run this is; a checkpoint of another run is never resumed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{CHECKPOINT_NAME}.{os.getpid()}.partial"
    content = {
        "identity": identity,
        "state": asdict(state),
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
        "random": {
            "cpu": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        },
    }
    with open(partial, "wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, folder / CHECKPOINT_NAME)


def load_checkpoint(
    folder: Path,
    network: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    identity: dict[str, Any],
    device: str,
) -> TrainingState | None:
    """Restore network, optimiser and generators; return the state, or None to start afresh."""
    path = folder / CHECKPOINT_NAME
    if not path.exists():
        return None
    content = torch.load(path, map_location=device, weights_only=True)
    if content["identity"] != identity:
        return None
    network.load_state_dict(content["network"])
    optimiser.load_state_dict(content["optimiser"])
    torch.set_rng_state(content["random"]["cpu"].cpu())
    if content["random"]["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all([state.cpu() for state in content["random"]["cuda"]])
    return TrainingState(**content["state"])
