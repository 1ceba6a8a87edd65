"""Make the pretrained weights: BOTAN on the pair-distance change of the embedded training data.

    python baselines/botan/pretrain.py [epochs] [folder]

It learns E_ij at t = 0.52 alone (p = 0), as the paper pretrains on an early time of its coldest
temperature, from random weights, and keeps the epoch with the lowest error on the validation
configurations. A run that is stopped goes on when the command is given again.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from glassbench import load_task
from glassbench.model import Example, Predictions, Progress, Run
from glassbench.registry import load_model_card, load_model_class
from glassbench.workspace import open_workspace

TEMPERATURE, TIME, SEED = 0.64, 0.52, 0
EPOCHS, LEARNING_RATE = 60, 1e-3
TARGET = "pair_distance_change"


def negative_error(predictions: Sequence[Predictions], examples: Sequence[Example]) -> float:
    """Return minus the mean squared error over all pairs."""
    errors = [
        np.mean((p[TARGET] - e.targets[TARGET]) ** 2)
        for p, e in zip(predictions, examples, strict=True)
    ]
    return -float(np.mean(errors))


def report(progress: Progress) -> None:
    error = math.sqrt(-progress.validation_score)
    print(
        f"epoch {progress.epoch}/{progress.epochs}  loss {progress.loss:.3e}  "
        f"validation error {error:.5f} sigma_AA",
        flush=True,
    )


def main(epochs: int = EPOCHS, folder: Path | None = None) -> None:
    here = Path(__file__).parent
    card = load_model_card(here)
    task = load_task("ka_propensity", "mini")
    values = {"temperature": TEMPERATURE, "time": TIME}
    changes = {
        "p": 0.0,
        "pretrained": "none",
        "epochs": epochs,
        "learning_rate": LEARNING_RATE,
        "schedule": "cosine",
    }
    model = load_model_class(card)(**{**card.hyperparameters, **changes})
    run = Run(
        seed=SEED,
        target=task.task.target,
        symmetry=task.task.symmetry,
        folder=folder or open_workspace().home / "pretraining" / "botan",
        score=negative_error,
        report=report,
        device="cuda" if torch.cuda.is_available() else "cpu",
        threads=torch.get_num_threads(),
    )
    run.folder.mkdir(parents=True, exist_ok=True)
    model.fit(task.examples("train", **values), task.examples("valid", **values), run)
    weights = {name: value.cpu() for name, value in model.module.state_dict().items()}
    (here / "weights").mkdir(exist_ok=True)
    torch.save(weights, here / "weights" / "mini.pt")


if __name__ == "__main__":
    main(*(convert(word) for convert, word in zip((int, Path), sys.argv[1:], strict=False)))
