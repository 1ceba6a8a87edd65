"""One tuning trial: the fits of one set of hyperparameters, reported epoch by epoch."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...contract.trial_plan import Trial
from ...experiments.tuning.journal import NO_COST, finite
from ...home.workspace import Workspace
from ...trial.result import TrialResult, read_result
from .fit import Fit, cost_of

CHECKPOINT = "checkpoint"


@dataclass(frozen=True)
class Report:
    """What a trial tells after an epoch, or at its end.

    Attributes
    ----------
    validation : mean over the conditions of the best validation score so far; None where
        the model reports none
    score : of the study's metric on the validation split, at the end
    cost : in seconds, of all attempts so far
    """

    epoch: int
    validation: float | None
    ended: bool = False
    score: float | None = None
    error: str = ""
    cost: Mapping[str, float] = field(default_factory=lambda: dict(NO_COST))


class RunningTrial:
    """Advances the fits of a trial in turns.

    An epoch is reported once every fit has reached it. What earlier attempts reported
    comes first, from the fits' own histories.

    Parameters
    ----------
    trials : one fit, or one for each condition
    new_fit : makes the fit of a trial
    metric : name of the metric whose mean over the conditions is the score
    """

    def __init__(
        self,
        trials: Sequence[Trial],
        workspace: Workspace,
        new_fit: Callable[[Trial], Fit],
        metric: str,
    ) -> None:
        self.trials, self.workspace, self.metric = trials, workspace, metric
        self.fits = [new_fit(trial) for trial in trials]
        self.best = [_history(self._folder(trial)) for trial in trials]
        self.results: list[TrialResult | None] = [read_result(workspace, t) for t in trials]
        self.epoch = 0

    def step(self) -> Report:
        """Go on to the next epoch that has a validation score, or to the end."""
        while True:
            wanted = self.epoch + 1
            for place, fit in enumerate(self.fits):
                while self.results[place] is None and _last(self.best[place]) < wanted:
                    fit.advance()
                    if fit.error is not None:
                        self.stop()
                        return Report(self.epoch, None, True, error=fit.error, cost=self.cost())
                    self._note(place, fit)
            if all(_last(best) < wanted for best in self.best):
                return self._end()
            self.epoch = wanted
            validation = self._validation(wanted)
            if validation is not None:
                return Report(wanted, validation, cost=self.cost())

    def stop(self) -> None:
        """End all fits where they are."""
        for fit in self.fits:
            fit.stop()

    def cost(self) -> dict[str, float]:
        """Return what the fits took, in seconds."""
        costs = [cost_of(self._folder(trial)) for trial in self.trials]
        return {name: sum(cost[name] for cost in costs) for name in NO_COST}

    def save(self, folder: Path) -> None:
        """Copy the checkpoints, and where the trial stands, for another trial to go on from."""
        for place, trial in enumerate(self.trials):
            source = self._folder(trial) / CHECKPOINT
            if source.is_dir():
                shutil.copytree(source, folder / str(place), dirs_exist_ok=True)
        best = [{str(epoch): score for epoch, score in known.items()} for known in self.best]
        state = {"epoch": self.epoch, "best": best}
        (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")

    def adopt(self, folder: Path, adopt_checkpoint: Callable[[Path, Path, Mapping], None]) -> None:
        """Go on from what another trial saved, with hyperparameters of our own.

        Parameters
        ----------
        adopt_checkpoint : makes the second folder a checkpoint like the first, for a model
            with these hyperparameters
        """
        state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        self.epoch = state["epoch"]
        self.best = [{int(epoch): score for epoch, score in b.items()} for b in state["best"]]
        for place, trial in enumerate(self.trials):
            own = self._folder(trial)
            shutil.rmtree(own / CHECKPOINT, ignore_errors=True)
            for left in ("fitted", "result.json", "predictions.npz"):
                path = own / left
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            self.results[place] = None
            if (folder / str(place)).is_dir():
                adopt_checkpoint(folder / str(place), own / CHECKPOINT, trial.hyperparameters)

    def _folder(self, trial: Trial) -> Path:
        return self.workspace.trial_folder(trial.key)

    def _note(self, place: int, fit: Fit) -> None:
        if fit.result is not None:
            self.results[place] = fit.result
        if fit.progress is not None:
            score = finite(fit.progress.validation_score)
            _add(self.best[place], fit.progress.epoch, score)

    def _validation(self, epoch: int) -> float | None:
        values = [_until(best, epoch) for best in self.best]
        return None if any(v is None for v in values) else sum(values) / len(values)

    def _end(self) -> Report:
        scores = [
            scored.scores[self.metric].value if self.metric in scored.scores else None
            for result in self.results
            for scored in result.conditions
        ]
        undefined = any(score is None for score in scores)
        score = None if undefined else finite(math.fsum(scores) / len(scores))
        return Report(self.epoch, self._validation(self.epoch), True, score=score, cost=self.cost())


Best = dict[int, float | None]


def _history(folder: Path) -> Best:
    """Return by epoch the best validation score so far, from a fit's history."""
    best: Best = {}
    path = folder / "history.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        score = entry.get("validation_score")
        _add(best, entry["epoch"], score if isinstance(score, int | float) else None)
    return best


def _add(best: Best, epoch: int, score: float | None) -> None:
    before = _until(best, epoch)
    score = None if score is None else finite(score)
    best[epoch] = max((v for v in (before, score) if v is not None), default=None)


def _until(best: Best, epoch: int) -> float | None:
    known = [score for e, score in best.items() if e <= epoch and score is not None]
    return max(known, default=None)


def _last(best: Best) -> int:
    return max(best, default=0)
