"""One tuning trial: the fits of one set of hyperparameters, reported epoch by epoch.

The fits take turns, so that after each epoch there is one mean over their conditions; a fit
that is not advanced waits inside its own report.
"""

from __future__ import annotations

import json
import math
import random
import shutil
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...contract.trial_plan import Trial
from ...home.files import read_json_lines, write_json
from ...home.workspace import Workspace
from ...model import Progress
from ...trial.attempt import Attempt, Tell
from ...trial.result import TrialResult, read_result
from .search import TrialReport, finite
from .study import NO_COST

Scores = dict[int, float | None]

CHECKPOINT, STATE_FILE = "checkpoint", "state.json"
# What another set of hyperparameters left and a copied trial makes anew.
LEFT_BY_A_FIT = ("fitted", "result.json", "predictions.npz", CHECKPOINT)


class Stopped(SystemExit):
    """Ends a fit inside its report, and the thread that reports for its workers.

    No `except Exception` of a model may keep it going.
    """


class Fit:
    """A fit in a thread of this process, which runs only while it is advanced.

    `end_workers` ends the processes that train for it, where there are any.
    """

    def __init__(
        self, run: Callable[[Tell], Attempt], end_workers: Callable[[], None] | None = None
    ) -> None:
        self.progress: Progress | None = None
        self.result: TrialResult | None = None
        self.error: str | None = None
        self._run, self._end_workers = run, end_workers
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._stopped = False
        self._random: list[Any] = []
        self._thread = threading.Thread(target=self._body, daemon=True)

    def advance(self) -> None:
        """Continue until the next report, or to the end.

        Each fit has the state of the global random generators to itself, so that it draws
        the numbers that it would draw alone.
        """
        for state, (_, restore) in zip(self._random, _generators()):
            restore(state)
        if self._thread.ident is None:
            self._thread.start()
        else:
            self._go.release()
        self._back.acquire()
        self._random = [read() for read, _ in _generators()]

    def stop(self) -> None:
        if self._thread.is_alive():
            self._stopped = True
            if self._end_workers is not None:
                self._end_workers()
            self._go.release()
            self._thread.join()

    def _body(self) -> None:
        try:
            ended = self._run(self._tell)
            self.result, self.error = ended.result, ended.error
        except Stopped:
            self.error = "the trial was stopped"
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"
        finally:
            self._back.release()

    def _tell(self, kind: str, progress: Progress | None, message: str) -> None:
        if progress is None:
            return
        self.progress = progress
        self._back.release()
        self._go.acquire()
        if self._stopped:
            raise Stopped


def _generators() -> list[tuple[Callable[[], Any], Callable[[Any], Any]]]:
    pairs: list[tuple[Callable[[], Any], Callable[[Any], Any]]] = [
        (random.getstate, random.setstate),
        (np.random.get_state, np.random.set_state),
    ]
    torch = sys.modules.get("torch")
    if torch is not None:
        pairs.append((torch.get_rng_state, torch.set_rng_state))
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            pairs.append((torch.cuda.get_rng_state_all, torch.cuda.set_rng_state_all))
    return pairs


class RunningTrial:
    """Advances the fits of a trial in turns; an epoch is reported once all fits have reached it.

    What earlier attempts reported comes first, from the fits' own histories. `processors` are
    the cores and GPUs that other processes keep busy for the trial.
    """

    def __init__(
        self,
        trials: Sequence[Trial],
        workspace: Workspace,
        new_fit: Callable[[Trial], Fit],
        metric: str,
        processors: tuple[int, int] = (0, 0),
    ) -> None:
        self.trials, self.metric, self.processors = trials, metric, processors
        self.folders = [workspace.trial_folder(trial.key) for trial in trials]
        self.fits = [new_fit(trial) for trial in trials]
        self.scores = [_history(folder) for folder in self.folders]
        self.results: list[TrialResult | None] = [read_result(workspace, t) for t in trials]
        self.epoch = 0
        self.cost = dict(NO_COST)

    def step(self) -> TrialReport:
        """Continue to the next epoch that has a validation score, or to the end."""
        wall, cpu = time.perf_counter(), time.process_time()
        report = self._step()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        cores, gpus = self.processors
        # What other processes could have used stands for what they used.
        spent = (wall, wall * cores if cores else cpu, wall * gpus)
        self.cost = {n: self.cost[n] + s for n, s in zip(NO_COST, spent, strict=True)}
        return replace(report, cost=self.cost)

    def stop(self) -> None:
        for fit in self.fits:
            fit.stop()

    def save(self, folder: Path) -> None:
        """Copy the checkpoints and the scores so far, for another trial to continue from."""
        for number, own in enumerate(self.folders):
            if (own / CHECKPOINT).is_dir():
                shutil.copytree(own / CHECKPOINT, folder / str(number), dirs_exist_ok=True)
        scores = [list(by_epoch.items()) for by_epoch in self.scores]
        write_json(folder / STATE_FILE, {"epoch": self.epoch, "scores": scores})

    def adopt(self, folder: Path, adopt_checkpoint: Callable[[Path, Path, Mapping], None]) -> None:
        """Continue from what another trial saved, with hyperparameters of our own."""
        state = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
        self.epoch = state["epoch"]
        self.scores = [dict(map(tuple, by_epoch)) for by_epoch in state["scores"]]
        self.results = [None] * len(self.trials)
        for number, (trial, own) in enumerate(zip(self.trials, self.folders, strict=True)):
            for name in LEFT_BY_A_FIT:
                path = own / name
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            if (folder / str(number)).is_dir():
                adopt_checkpoint(folder / str(number), own / CHECKPOINT, trial.hyperparameters)

    def _step(self) -> TrialReport:
        while True:
            wanted = self.epoch + 1
            for number in range(len(self.fits)):
                error = self._advance(number, wanted)
                if error is not None:
                    self.stop()
                    return TrialReport(self.epoch, None, True, error=error)
            if all(max(scores, default=0) < wanted for scores in self.scores):
                return self._end()
            self.epoch = wanted
            validation = self._validation()
            if validation is not None:
                return TrialReport(wanted, validation)

    def _advance(self, number: int, wanted: int) -> str | None:
        """Advance a fit to an epoch or to its end; return its error, None where it has none."""
        fit, scores = self.fits[number], self.scores[number]
        while self.results[number] is None and max(scores, default=0) < wanted:
            fit.advance()
            if fit.error is not None:
                return fit.error
            self.results[number] = fit.result
            if fit.progress is not None:
                _note(scores, fit.progress.epoch, fit.progress.validation_score)
        return None

    def _validation(self) -> float | None:
        bests = [
            max((s for at, s in scores.items() if at <= self.epoch and s is not None), default=None)
            for scores in self.scores
        ]
        known = [best for best in bests if best is not None]
        return sum(known) / len(known) if len(known) == len(bests) else None

    def _end(self) -> TrialReport:
        scores = [
            scored.scores[self.metric].value if self.metric in scored.scores else None
            for result in self.results
            for scored in (() if result is None else result.conditions)
        ]
        known = [score for score in scores if score is not None]
        complete = len(known) == len(scores)
        score = finite(math.fsum(known) / len(known)) if known and complete else None
        return TrialReport(self.epoch, self._validation(), True, score=score)


def _history(folder: Path) -> Scores:
    """Return the validation scores by epoch that earlier attempts at a fit reported."""
    scores: Scores = {}
    for entry in read_json_lines(folder / "history.jsonl"):
        _note(scores, entry["epoch"], entry.get("validation_score"))
    return scores


def _note(scores: Scores, epoch: int, score: float | None) -> None:
    """Add the score of an epoch; of an epoch that was reported twice the better one counts."""
    known = [value for value in (scores.get(epoch), finite(score)) if value is not None]
    scores[epoch] = max(known, default=None)
