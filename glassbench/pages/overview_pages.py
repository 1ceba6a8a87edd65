"""Pages over all boards or all conditions: models, data and method, comparison, heat maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..contract.model_card import ModelCard
from ..contract.task import Task
from ..contract.units import printed
from ..metrics.bootstrap import DRAWS, FEWEST_FOR_INTERVAL, tail_share
from .boards import Board, published_by_model
from .equations import NOISE_CEILING, definition, mathml
from .plot_data import as_script
from .standing import Place, Standing
from .words import axis_unit, decimals_for, number

Boards = Sequence[tuple[Board, Standing]]
HEAT_STEPS = 10


def home_context(boards: Boards) -> list[dict[str, Any]]:
    """Return the main board of each task, those with records first."""
    cards = [
        {
            "board": board,
            "standing": standing,
            "decimals": decimals_for(place.interval for place in standing.places),
        }
        for board, standing in boards
        if board.main
    ]
    return sorted(cards, key=lambda card: not card["board"].rows)


def model_names(boards: Boards, cards: Mapping[str, ModelCard]) -> list[str]:
    """Return every model with a card or a record."""
    return sorted({*cards, *(row.name for board, _ in boards for row in board.rows)})


def models_context(boards: Boards, cards: Mapping[str, ModelCard]) -> dict[str, Any]:
    """Return what the list of models shows: cards, and the place of each model on each board."""
    names = model_names(boards, cards)
    places: dict[str, list[tuple[Board, Place]]] = {name: [] for name in names}
    for board, standing in boards:
        for place in standing.places:
            places[place.row.name].append((board, place))
    return {"names": names, "cards": cards, "places": places}


def method_context(boards: Boards, tasks: Sequence[Task]) -> dict[str, Any]:
    """Return what the page on data and method shows."""
    # By function, since many metrics are one function of other particles or targets.
    functions: dict[str, dict[tuple[str, str, str], dict[str, Any]]] = {}
    for board, _ in boards:
        for metric in board.metrics:
            described = definition(metric)
            # Two tasks may have metrics of one name that are not the same.
            key = (metric.name, metric.title, described["scope"])
            of_function = functions.setdefault(metric.function, {})
            use = of_function.setdefault(key, {"metric": metric, **described, "tasks": []})
            if board.task.title not in use["tasks"]:
                use["tasks"].append(board.task.title)
    return {
        "functions": [list(uses.values()) for uses in functions.values()],
        "ceiling_equation": mathml(NOISE_CEILING),
        "fewest": FEWEST_FOR_INTERVAL,
        "boards": boards,
        "datasets": [_dataset(board) for board, _ in boards],
        "tasks": tasks,
    }


def _dataset(board: Board) -> dict[str, Any]:
    """Return what is known of a board's dataset: from the task, and from an explanation."""
    entry = board.task.datasets.get(board.dataset)
    facts = (r.entry.explanation["dataset"] for r in board.rows if r.entry.explanation)
    return {
        "board": board,
        "description": entry.description if entry else "",
        "facts": next(facts, None),
    }


def compare_index(boards: Boards) -> str:
    """Return, as a script, the boards and models that the page of comparisons offers."""
    samples = {
        len(set(entry["parents"]))
        for board, _ in boards
        for row in board.rows
        for entry in row.conditions.values()
    }
    plain = {
        "draws": DRAWS,
        "shares": {
            str(n): tail_share(0.95, n) for n in sorted(samples) if n >= FEWEST_FOR_INTERVAL
        },
        "boards": [_comparable(board, standing) for board, standing in boards if board.rows],
    }
    return as_script("index", plain)


def _comparable(board: Board, standing: Standing) -> dict[str, Any]:
    return {
        "name": board.name,
        "title": f"{board.task.title}, {board.dataset}",
        "axes": [
            {"name": axis.name, "symbol": printed(axis.symbol), "unit": axis_unit(axis)}
            for axis in board.task.axes
        ],
        "metrics": [
            {"name": m.name, "title": m.title, "higher": m.higher_is_better}
            for m in board.metrics
            if m.average == "configuration"
        ],
        "models": [
            {
                "name": place.row.name,
                "title": place.row.title,
                "status": place.row.status,
                "record": place.row.entry.name,
            }
            for place in standing.places
        ],
    }


def heat_map(board: Board, standing: Standing) -> dict[str, Any]:
    """Return all conditions as a table of the primary metric, with steps of a colour scale."""
    metric, points = board.primary.name, board.points
    lines: list[tuple[str, str, str | None, list[float | None]]] = [
        (
            place.row.name,
            place.row.status,
            place.row.entry.name,
            [place.row.value(metric, point) for point in points],
        )
        for place in standing.places
    ]
    for name, numbers in published_by_model(board, metric).items():
        values = [numbers[point].value if point in numbers else None for point in points]
        lines.append((name, "reported", None, values))
    known = [value for *_, values in lines for value in values if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if low == high or (low >= 0 and high <= 1):
        low, high = 0.0, 1.0

    def step(value: float) -> int:
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        share = share if board.primary.higher_is_better else 1 - share
        return min(HEAT_STEPS - 1, int(HEAT_STEPS * share))

    return {
        "head": _heads(board),
        "lines": [
            {
                "name": name,
                "status": status,
                "record": record,
                "cells": [None if v is None else (v, step(v)) for v in values],
            }
            for name, status, record, values in lines
        ],
        "ceiling": [board.ceiling(metric, point) for point in points],
        "scale": (low, high),
    }


def _heads(board: Board) -> list[dict[str, Any]]:
    """Return one header row an axis, with runs of equal values joined."""
    rows = []
    for depth, axis in enumerate(board.task.axes):
        cells: list[list[Any]] = []
        for k, point in enumerate(board.points):
            if cells and board.points[k - 1][: depth + 1] == point[: depth + 1]:
                cells[-1][1] += 1
            else:
                cells.append([number(point[depth]), 1])
        rows.append({"label": printed(axis.symbol), "unit": printed(axis.unit), "cells": cells})
    return rows
