"""Going on from another training's checkpoint with other hyperparameters of the loop."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ..home.files import whole_file
from .checkpoint import CHECKPOINT_NAME

# The loop reads them anew at every step, so that they may change between two epochs.
CHANGEABLE = ("learning_rate", "gradient_clip")


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
