"""The suggestions of a study as Ray Tune asks for them: unfinished trials first, then new ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ray.tune.search import Searcher

from ...experiments.tuning.journal import Journal, TuningTrial
from ...experiments.tuning.study import Study
from .setting import next_trial


def config_of(trial: TuningTrial) -> dict[str, Any]:
    """Return what Ray Tune hands to a trial."""
    return {"trial": {"index": trial.index, "hyperparameters": dict(trial.hyperparameters)}}


class StudySearcher(Searcher):
    """Hands out what the journal has; the journal, not Ray, remembers it."""

    def __init__(self, study: Study, journal: Journal, unfinished: list[TuningTrial]) -> None:
        super().__init__()
        self.study, self.journal, self.unfinished = study, journal, unfinished

    def suggest(self, trial_id: str) -> dict[str, Any] | str:
        if self.unfinished:
            return config_of(self.unfinished.pop(0))
        trial = next_trial(self.study, self.journal)
        return Searcher.FINISHED if trial is None else config_of(trial)

    def on_trial_complete(
        self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False
    ) -> None:
        """The journal knows already."""

    def save(self, checkpoint_path: str) -> None:
        Path(checkpoint_path).write_text("the journal of the study remembers", encoding="utf-8")

    def restore(self, checkpoint_path: str) -> None:
        """Nothing is kept here."""
