"""What a score costs: the Pareto front, and the molecular dynamics that a prediction replaces."""

from __future__ import annotations

from typing import Any

from .boards import Board
from .standing import Standing
from .words import condition_words


def pareto_front(board: Board, standing: Standing) -> dict[str, set[str]]:
    """Return, by measure of cost, the models that no other of their tier beats in score and cost.

    What a model reads beyond the static structure has a cost that no record counts.
    """
    better = board.primary.higher_is_better
    front: dict[str, set[str]] = {}
    for measure in ("gpu_seconds", "cpu_seconds", "wall_seconds"):
        front[measure] = set()
        for places in standing.tiers.values():
            known = [
                (p.row.name, p.row.entry.record["cost"][measure], p.value if better else -p.value)
                for p in places
                if p.value is not None
            ]
            front[measure] |= {
                name
                for name, cost, value in known
                if not any(
                    c <= cost and v >= value and (c < cost or v > value) for _, c, v in known
                )
            }
    return front


def replaced_dynamics(board: Board) -> list[dict[str, Any]]:
    """Return the molecular dynamics behind the labels, from the first explanation that has it."""
    for row in board.rows:
        entries = (row.entry.explanation or {}).get("replaced") or []
        if entries:
            return [
                {**entry, "words": condition_words(board.task, entry["condition"])}
                for entry in entries
            ]
    return []
