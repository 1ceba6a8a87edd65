"""One fit of a tuning trial, advanced from report to report.

The fits of a trial take turns, so that after each epoch there is one mean over their
conditions; a fit that is not advanced waits inside its own report.
"""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from ...experiments.resources import Share
from ...model import Progress
from ...trial.attempt import Attempt, Job, Tell, attempt
from ...trial.result import TrialResult


class Stopped(BaseException):
    """Ends a fit inside its report; no `except Exception` of a model may keep it going."""


class Fit:
    """A fit in a thread of this process, which runs only while it is advanced."""

    def __init__(self, run: Callable[[Tell], Attempt], interruptible: bool = True) -> None:
        self.progress: Progress | None = None
        self.result: TrialResult | None = None
        self.error: str | None = None
        self._run, self._interruptible = run, interruptible
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
        """End the fit where it is; its checkpoint stays.

        Workers of Ray Train are not interruptible: they end with this process.
        """
        if self._interruptible and self._thread.is_alive():
            self._stopped = True
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


def new_fit(job: Job, workers: int, share: Share, max_failures: int) -> Fit:
    """Return the fit of a job, in this process or by several workers together."""
    if workers == 1:
        return Fit(lambda tell: attempt(job, tell))

    from ..train import execute_distributed

    return Fit(
        lambda tell: execute_distributed(job, job.workspace, workers, share, tell, max_failures),
        interruptible=False,
    )


def _generators() -> list[tuple[Callable[[], Any], Callable[[Any], Any]]]:
    """Return how the state of each global random generator is read and restored."""
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
