"""Conditions of a board in words, without what all of them share."""

from __future__ import annotations

from collections.abc import Sequence

from .boards import Board, Point
from .words import condition_words


def _varying(board: Board, points: Sequence[Point]) -> list[str]:
    """Return the axes on which conditions differ."""
    names = [axis.name for axis in board.task.axes]
    return [name for k, name in enumerate(names) if len({point[k] for point in points}) > 1]


def condition_heads(board: Board, points: Sequence[Point]) -> list[tuple[Point, str]]:
    """Return conditions in words, without the axes on which all agree."""
    axes = _varying(board, points) or [axis.name for axis in board.task.axes]
    return [(p, condition_words(board.task, board.condition(p), axes)) for p in points]


def common_words(board: Board, points: Sequence[Point]) -> str:
    """Return in words what all conditions share, empty where that is nothing or everything."""
    varying = _varying(board, points)
    if not points or not varying:
        return ""
    common = [axis.name for axis in board.task.axes if axis.name not in varying]
    return condition_words(board.task, board.condition(points[0]), common)
