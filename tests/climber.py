"""A small model with epochs and checkpoints, for tests of tuning, and studies of it."""

from __future__ import annotations

from pathlib import Path

from glassbench.contract.model_card import read_model_card
from glassbench.contract.trial_plan import DatasetReference
from glassbench.datasets.store import open_dataset
from glassbench.experiments.tuning.study import TuningStudy
from glassbench.model import Condition
from glassbench.plugins.registry import load_task

CARD = """
name = "climber"
title = "Climber"
authors = ["Nobody"]
year = 2026
licence = "MIT"
entry = "model:Climber"
reads = ["thermal"]
tasks = ["ka_propensity"]
conditions_per_fit = "one"

[hyperparameters]
quality = 0.5
epochs = 4
seconds = 0.0
wish = ""

[search_space.quality]
distribution = "uniform"
low = 0.0
high = 1.0
"""
# Its validation score climbs to `quality`; it notes at which epoch and in which process it
# started.
SOURCE = """
import os
import time
import numpy as np
from glassbench.model import Progress


class Climber:
    changeable = ("quality",)

    def __init__(self, quality, epochs, seconds, wish):
        self.quality, self.epochs, self.seconds, self.wish = quality, epochs, seconds, wish

    @staticmethod
    def adopt_checkpoint(source, target, hyperparameters):
        target.mkdir(parents=True, exist_ok=True)
        (target / "epoch").write_text((source / "epoch").read_text())

    def fit(self, train, valid, run):
        if self.wish == "raise":
            raise ValueError("the loss is infinite")
        run.folder.mkdir(parents=True, exist_ok=True)
        mark = run.folder / "epoch"
        first = int(mark.read_text()) if mark.exists() else 0
        with open(run.folder.parent / "starts", "a") as file:
            file.write(f"{first} {os.getpid()}\\n")
        if self.wish == "die once" and first == 2:
            self.wish = ""
        for epoch in range(first + 1, self.epochs + 1):
            time.sleep(self.seconds)
            score = self.quality * epoch / self.epochs
            run.report(Progress(epoch=epoch, epochs=self.epochs, validation_score=score))
            mark.write_text(str(epoch))
            if self.wish == "die once" and epoch == 2:
                os.kill(os.getpid(), 9)

    def predict(self, structures, condition):
        answers = []
        for structure in structures:
            signal = structure.species.astype(float)
            noise = np.random.default_rng(0).normal(size=len(signal))
            answers.append({"propensity": self.quality * signal + (1.1 - self.quality) * noise})
        return answers
"""


def write_climber(folder: Path) -> Path:
    """Write the model's folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.toml").write_text(CARD)
    (folder / "model.py").write_text(SOURCE)
    return folder


def study_of(model: Path, dataset: Path, **changes) -> TuningStudy:
    """Return a study of a model on a dataset of `ka_propensity`, scored on all particles."""
    card, task = read_model_card(model), load_task("ka_propensity")
    hyperparameters = dict(card.hyperparameters) | changes.pop("hyperparameters", {})
    times = changes.pop("times", (0.5,))
    values = {
        "task": task,
        "dataset": DatasetReference("tiny", str(dataset), open_dataset(dataset).digest),
        "model": card,
        "conditions": tuple(Condition.of(temperature=0.64, time=t) for t in times),
        "hyperparameters": hyperparameters,
        "space": card.search_space,
        "seed": 0,
        "search": "random",
        "scheduler": "none",
        "metric": task.primary_metric.name,
        "trials": 3,
    }
    return TuningStudy(**(values | changes))
