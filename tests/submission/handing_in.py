"""Models of strangers, and their runs without Ray or tracking, for the tests of submissions."""

from __future__ import annotations

import shutil
from pathlib import Path

from glassbench.contract.model_card import read_model_card
from glassbench.contract.task import Task
from glassbench.contract.trial_plan import DatasetReference, plan_trials
from glassbench.datasets.view import open_view
from glassbench.home.machine import environment
from glassbench.home.workspace import Workspace
from glassbench.plugins.registry import load_task
from glassbench.record.make import known_at, make_record
from glassbench.record.record import PlainRecord as Record
from glassbench.record.record import record_stem, write_record
from glassbench.trial.run import run_trial

CARD = """
name = "{name}"
title = "A stranger's model"
authors = ["{author}"]
year = 2026
licence = "MIT"
entry = "model:Stranger"
reads = ["thermal"]
tasks = ["ka_propensity"]
conditions_per_fit = "one"
"""
HONEST = '''
"""Linear regression on the number of near neighbours."""

import numpy as np

from glassbench.structure import neighbour_pairs


def crowding(s):
    pairs = neighbour_pairs(s.positions, s.box, 2.0)
    weights = np.exp(-((pairs.distances / 1.2) ** 4))
    near = np.bincount(pairs.receivers, weights, len(s.positions))
    return np.column_stack([np.ones(len(near)), near, s.species])


class Stranger:
    def fit(self, train, valid, run):
        x = np.concatenate([crowding(e.structure) for e in train])
        y = np.concatenate([e.targets[run.target] for e in train])
        self.w = np.linalg.lstsq(x, y, rcond=None)[0]

    def predict(self, structures, condition):
        return [{"propensity": crowding(s) @ self.w} for s in structures]

    def save(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(folder / "w.npz", w=self.w)

    def load(self, folder):
        self.w = np.load(folder / "w.npz", allow_pickle=False)["w"]
'''
# Remembers what it was fitted on, and answers from memory where it knows a structure.
MEMORY = """
import hashlib

import numpy as np


def key(s):
    return "k" + hashlib.sha256(np.sort(s.positions, axis=0).round(4).tobytes()).hexdigest()


class Stranger:
    def fit(self, train, valid, run):
        self.known = {key(e.structure): e.targets[run.target] for e in [*train, *valid]}

    def predict(self, structures, condition):
        return [{"propensity": self.known.get(key(s), s.positions[:, 0])} for s in structures]

    def save(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(folder / "known.npz", **self.known)

    def load(self, folder):
        with np.load(folder / "known.npz", allow_pickle=False) as file:
            self.known = {name: file[name] for name in file.files}
"""


def write_model(
    folder: Path, source: str = HONEST, name: str = "mine", author: str = "Ada"
) -> Path:
    folder.mkdir(parents=True)
    (folder / "model.toml").write_text(CARD.format(name=name, author=author), encoding="utf-8")
    (folder / "model.py").write_text(source, encoding="utf-8")
    (folder / "README.md").write_text(f"# {name}\n", encoding="utf-8")
    return folder


def link_dataset(dataset: Path, workspace: Workspace) -> None:
    """Put a dataset among those of the workspace, under the name `tiny`."""
    workspace.datasets.mkdir(parents=True, exist_ok=True)
    target = workspace.datasets / "tiny.zarr"
    if not target.exists():
        shutil.copytree(dataset, target)


def run_here(
    folder: Path, workspace: Workspace, task: Task | None = None, conditions: int = 1
) -> Record:
    """Run a model on `tiny` and leave its record in the workspace, as `glassbench run` does."""
    task = task or load_task("ka_propensity")
    path = workspace.datasets / "tiny.zarr"
    card = read_model_card(folder)
    view = open_view(task, path)
    trainable = [c for c in view.conditions() if len(view.examples("train", (c,)))]
    asked = trainable[:conditions]
    values = card.hyperparameters_for(task.name, "tiny", {})
    dataset = DatasetReference("tiny", str(path), view.digest)
    trials = plan_trials(card, task, dataset, asked, (), values, (0,))
    record = make_record(
        task=task,
        dataset=dataset,
        model=card,
        conditions=asked,
        hyperparameters=values,
        seeds=(0,),
        results=[run_trial(trial, workspace) for trial in trials],
        floors={},
        known={c.name: known_at(task, "tiny", view, c) for c in asked},
        environments=[environment()],
    ).to_json()
    stem = record_stem(task.name, "tiny", card.name, card.digest)
    write_record(workspace.records / f"{stem}.json", record)
    return record


def hand_in(folder: Path, workspace: Workspace, out: Path, task: Task | None = None) -> Path:
    """Run and pack a model; return the archive."""
    from glassbench.submission.bundle import open_bundle, pack_bundle

    run_here(folder, workspace, task)
    with open_bundle(folder, workspace) as bundle:
        pack_bundle(bundle, out)
    return out
