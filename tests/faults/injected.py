"""`run_trial` with a blow at one of its stages, once for each trial; runs where the trial runs.

What a trial did is noted in the home: a line for each epoch in `epochs/<seed>`.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import time
from pathlib import Path
from unittest import mock

from glassbench.trial import run as trial_module

WISHES = "faults.json"
# By stage, the function of `glassbench.trial.run` before which the blow falls.
BEFORE = {
    "preparing": "open_view",
    "between fit and predict": "_predict",
    "predicting": "write_predictions",
    "scoring": "_score",
    "recording": "write_result",
}
FITTING_EPOCH = 3
FILLER = "filler"


def run(trial, workspace, *, report, **options):
    """Run a trial as `run_trial` does, and do to this process what the home's file asks for."""
    if options.get("rank"):
        return trial_module.run_trial(trial, workspace, report=report, **options)
    home, seed = workspace.home, trial.seed
    wish = _wishes(home).get(str(seed), {})
    stage, strike = wish.get("stage", ""), functools.partial(_strike, home, seed)
    delay = wish.get("seconds_per_epoch", 0.0)

    def noted(progress):
        _note(home / "epochs", seed, f"{progress.epoch} {os.getpid()}")
        if progress.epoch == wish.get("full_from"):
            _fill(home, seed)
        if progress.epoch == wish.get("full_until"):
            (home / FILLER).unlink(missing_ok=True)
        report(progress)
        time.sleep(delay)
        if stage == "fitting" and progress.epoch == FITTING_EPOCH:
            strike()

    with contextlib.ExitStack() as stack:
        if stage in BEFORE:
            stack.enter_context(_struck(BEFORE[stage], strike))
        result = trial_module.run_trial(trial, workspace, report=noted, **options)
    if stage == "after recording":
        strike()
    return result


@contextlib.contextmanager
def _struck(name, strike):
    original = getattr(trial_module, name)

    def struck(*arguments, **options):
        strike()
        return original(*arguments, **options)

    with mock.patch.object(trial_module, name, struck):
        yield


def _strike(home: Path, seed: int) -> None:
    """Kill this process with SIGKILL, the first time that it is asked for."""
    done = home / "struck" / str(seed)
    if not done.exists():
        _note(home / "struck", seed, str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)


def _fill(home: Path, seed: int) -> None:
    """Take the last room on the home's disk, the first time that it is asked for."""
    if (home / "struck" / str(seed)).exists():
        return
    _note(home / "struck", seed, str(os.getpid()))
    with open(home / FILLER, "ab", buffering=0) as file:
        for size in (2**20, 2**12, 1):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)):
                    pass


def _wishes(home: Path) -> dict:
    path = home / WISHES
    return json.loads(path.read_text()) if path.exists() else {}


def _note(folder: Path, seed: int, line: str) -> None:
    folder.mkdir(exist_ok=True)
    with open(folder / str(seed), "a") as file:
        file.write(line + "\n")
