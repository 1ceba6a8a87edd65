"""A tuning trial as Ray Tune runs it: one actor, one report after each epoch."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from ray import tune

from ...plugins.registry import load_model_class
from ...trial.attempt import located
from ...trial.log import captured_process
from ...trial.process import limited_threads
from .setting import Setting, open_trial, plain_report

SAVED_BY = "saved_by.json"


class TuningTrainable(tune.Trainable):
    """One trial. Its number is its name for Ray, which PBT leaves alone when it copies a trial."""

    def setup(self, config: dict, setting: Setting) -> None:
        self.setting, self.index = setting, int(self.trial_name)
        self.hyperparameters = config["trial"]["hyperparameters"]
        self._open = contextlib.ExitStack()
        log = setting.workspace.trial_folder(setting.study.trial_key(self.index))
        log.mkdir(parents=True, exist_ok=True)
        self._open.enter_context(captured_process(log))
        self._open.enter_context(limited_threads(setting.share.threads))
        self.running = open_trial(setting, self.index, self.hyperparameters)

    def step(self) -> dict[str, Any]:
        return plain_report(self.setting.study, self.running.step(), self.hyperparameters)

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        folder = Path(checkpoint_dir)
        self.running.save(folder)
        saved = {"index": self.index, "hyperparameters": self.hyperparameters}
        (folder / SAVED_BY).write_text(json.dumps(saved), encoding="utf-8")

    def load_checkpoint(self, checkpoint: str) -> None:
        folder = Path(checkpoint)
        saved = json.loads((folder / SAVED_BY).read_text(encoding="utf-8"))
        if saved == {"index": self.index, "hyperparameters": self.hyperparameters}:
            # Its own: what lies in its folder is as new.
            return
        job = replace(self.setting.job, trial=self.running.trials[0])
        trial = located(job, self.setting.workspace)
        card = replace(self.setting.study.model, folder=Path(trial.model.folder))
        self.running.adopt(folder, load_model_class(card).adopt_checkpoint)

    def cleanup(self) -> None:
        self.running.stop()
        self._open.close()
