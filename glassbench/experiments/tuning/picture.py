"""The picture of a study: score against cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...figures import FLOORS, MODEL, new_figure, save_figure
from .journal import TuningTrial
from .outcome import best_trial, higher_is_better
from .study import Study

STOPPED = FLOORS[0]


def draw_study(study: Study, trials: Sequence[TuningTrial], path: Path) -> Path | None:
    """Draw the validation score of each trial against its cost, and the best one against all cost.

    Left: one mark for each trial, open where it was stopped early. Right: the best score
    of a finished trial so far against the cost spent so far, in the order of the trials.

    Returns
    -------
    path, or None where no trial has a score
    """
    scored = [trial for trial in trials if trial.score is not None and trial.ended]
    if not scored:
        return None
    figure = new_figure(8.4, 3.8)
    left, right = figure.subplots(1, 2, sharey=True)
    finished = [trial for trial in scored if trial.state == "finished"]
    stopped = [trial for trial in scored if trial.state == "stopped"]
    left.plot(*_points(finished), "o", color=MODEL, label="ran to its end")
    if stopped:
        left.plot(*_points(stopped), "o", color=STOPPED, fillstyle="none", label="stopped early")
    best = best_trial(study, trials)
    if best is not None:
        left.plot(
            *_points([best]), "*", color=MODEL, markersize=14, label=f"best: trial {best.index}"
        )
    if scored[0].index == 0:
        left.axhline(
            scored[0].score, color="0.6", linewidth=1, linestyle="--", label="without tuning"
        )
    left.set_xlabel("cost of the trial (s)")
    title = study.task.metric(study.metric).title
    left.set_ylabel(f"{title}, validation")
    left.legend(fontsize=8, frameon=False)
    right.step(*_best_so_far(study, trials), where="post", color=MODEL, marker=".")
    right.set_xlabel("cost of all trials so far (s)")
    right.set_title("best so far", fontsize=10)
    figure.suptitle(
        f"{study.model.title} on {study.task.name}, dataset {study.dataset.name}: "
        f"{len(trials)} trials",
        fontsize=10,
    )
    return save_figure(figure, path)


def _points(trials: Sequence[TuningTrial]) -> tuple[list[float], list[float]]:
    return [t.cost["wall_seconds"] for t in trials], [t.score for t in trials]


def _best_so_far(study: Study, trials: Sequence[TuningTrial]) -> tuple[list[float], list[float]]:
    better = max if higher_is_better(study) else min
    costs, bests, spent = [], [], 0.0
    for trial in trials:
        spent += trial.cost["wall_seconds"]
        if trial.state == "finished" and trial.score is not None:
            costs.append(spent)
            bests.append(better([*bests[-1:], trial.score]))
    return costs, bests
