"""On which terms trials run: what each takes of a machine, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..contract.trial_plan import Trial
from .sweep.plan import Needs


@dataclass(frozen=True)
class Terms:
    """On which terms the trials of a sweep run; `execute` alone has those of a run.

    Attributes
    ----------
    needs : what a trial needs; unless given, one core and one GPU where there are any
    reused : whether a trial may run in a process in which others of its model ran before
    keep_results : whether outcomes hold results; they are on disk in any case
    defer : whether a trial that another driver runs is put off until it has ended, in
        place of waiting for it with a worker
    """

    needs: Callable[[Trial], Needs] | None = None
    reused: Callable[[Trial], bool] = lambda trial: trial.floor
    keep_results: bool = True
    defer: bool = False
