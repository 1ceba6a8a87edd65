"""The figure of a study: score against cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...figures import FLOORS, MODEL, new_figure, save_figure
from .journal import TuningTrial
from .outcome import best_trial
from .study import TuningStudy


def draw_study(study: TuningStudy, trials: Sequence[TuningTrial], path: Path) -> Path | None:
    """Draw scores on validation against cost in seconds; None where no trial has a score.

    Left: one mark for each trial, open where it was stopped early. Right: the best score of
    the finished trials so far against the cost of all trials so far.
    """
    scored = [trial for trial in trials if trial.score is not None and trial.ended]
    if not scored:
        return None
    figure = new_figure(8.4, 3.8)
    left, right = figure.subplots(1, 2, sharey=True)

    def mark(trials: Sequence[TuningTrial], symbol: str, **style: object) -> None:
        costs = [trial.cost["wall_seconds"] for trial in trials]
        left.plot(costs, [trial.score for trial in trials], symbol, **style)

    finished = [trial for trial in scored if trial.state == "finished"]
    mark(finished, "o", color=MODEL, label="finished")
    stopped = [trial for trial in scored if trial.state == "stopped"]
    if stopped:
        mark(stopped, "o", color=FLOORS[0], fillstyle="none", label="stopped early")
    best = best_trial(study, trials)
    if best is not None:
        mark([best], "*", color=MODEL, markersize=14, label=f"best: trial {best.index}")
    if scored[0].index == 0:
        left.axhline(scored[0].score, color="0.6", linewidth=1, linestyle="--",
                     label="without tuning")  # fmt: skip
    title = study.task.metric(study.metric).title
    left.set_xlabel("cost of the trial (s)")
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


def _best_so_far(
    study: TuningStudy, trials: Sequence[TuningTrial]
) -> tuple[list[float], list[float]]:
    better = max if study.higher_is_better else min
    costs: list[float] = []
    bests: list[float] = []
    spent = 0.0
    for trial in trials:
        spent += trial.cost["wall_seconds"]
        if trial.state == "finished" and trial.score is not None:
            costs.append(spent)
            bests.append(better([*bests[-1:], trial.score]))
    return costs, bests
