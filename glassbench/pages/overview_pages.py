"""Pages over all boards: the list of models, data and method, and what comparing must know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..contract.model_card import ModelCard
from ..contract.task import Task
from ..metrics.bootstrap import DRAWS, tail_share
from .boards import Board
from .equations import NOISE_CEILING, definition, mathml
from .model_page import model_names
from .plot_data import as_script
from .standing import Standing
from .words import symbol, unit

Boards = Sequence[tuple[Board, Standing]]


def models_context(boards: Boards, cards: Mapping[str, ModelCard]) -> dict[str, Any]:
    """Return what the list of models shows: cards, and where each model stands."""
    names = model_names([board for board, _ in boards], cards)
    places: dict[str, list] = {name: [] for name in names}
    for board, standing in boards:
        for place in standing.places:
            places[place.row.name].append((board, place))
    return {"names": names, "cards": cards, "places": places}


def method_context(boards: Boards, tasks: Sequence[Task]) -> dict[str, Any]:
    """Return what the page on data and method shows."""
    # By function, since many metrics are one function of other particles or targets.
    functions: dict[str, dict[tuple, tuple]] = {}
    for board, _ in boards:
        for metric in board.metrics:
            told = definition(metric)
            # Two tasks may have metrics of one name that are not the same.
            key = (metric.name, metric.title, told["scope"])
            found = functions.setdefault(metric.function, {})
            titles = found.setdefault(key, (metric, told, []))[2]
            if board.task.title not in titles:
                titles.append(board.task.title)
    return {
        "functions": [list(found.values()) for found in functions.values()],
        "ceiling_equation": mathml(NOISE_CEILING),
        "boards": boards,
        "datasets": [_dataset(board) for board, _ in boards],
        "tasks": tasks,
    }


def compare_index(boards: Boards) -> str:
    """Return, as a script, the boards and models that the page of comparisons offers."""
    samples = {p for board, _ in boards for row in board.rows for p in row.scores.parents}
    clusters = {len(set(parents)) for parents in samples}
    plain = {
        "draws": DRAWS,
        "shares": {str(n): tail_share(0.95, n) for n in sorted(clusters) if n > 1},
        "boards": [_offered(board, standing) for board, standing in boards if board.rows],
    }
    return as_script("index", plain)


def _offered(board: Board, standing: Standing) -> dict[str, Any]:
    return {
        "name": board.name,
        "title": f"{board.task.title}, {board.dataset}",
        "axes": [
            {"name": a.name, "symbol": symbol(a), "unit": "" if "k_B" in a.unit else unit(a.unit)}
            for a in board.task.axes
        ],
        "metrics": [
            {"name": m.name, "title": m.title, "higher": m.higher_is_better}
            for m in board.metrics
            if m.average == "configuration"
        ],
        "models": [
            {
                "name": place.row.name,
                "title": place.row.entry.record["model"]["title"],
                "status": place.row.status,
                "record": place.row.entry.name,
            }
            for place in standing.places
        ],
    }


def _dataset(board: Board) -> dict[str, Any]:
    """Return what is known of a board's dataset: from the task, and from an explanation."""
    entry = board.task.datasets.get(board.dataset)
    facts = (r.entry.explanation["dataset"] for r in board.rows if r.entry.explanation)
    return {
        "board": board,
        "description": entry.description if entry else "",
        "card": next(facts, None),
    }
