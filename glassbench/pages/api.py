"""`leaderboard.json`: the boards for programs, described by `leaderboard.schema.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..contract.model_card import ModelCard
from .boards import Board, published_by_model
from .standing import Place, Standing

API_VERSION = 1


def leaderboard_json(
    boards: Sequence[tuple[Board, Standing]], cards: Mapping[str, ModelCard]
) -> str:
    """Return all boards and models as one JSON document."""
    plain = {
        "schema_version": API_VERSION,
        "boards": [_board(board, standing) for board, standing in boards],
        "models": [_card(card) for _, card in sorted(cards.items())],
    }
    return json.dumps(plain, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _board(board: Board, standing: Standing) -> dict[str, Any]:
    task, primary = board.task, board.primary
    return {
        "name": board.name,
        "page": f"task/{board.name}.html",
        "csv": f"export/{board.name}.csv",
        "task": {"name": task.name, "title": task.title, "summary": task.summary},
        "protocol_version": board.protocol_version,
        "superseded": board.superseded,
        "dataset": {"name": board.dataset, "digest": board.digest or None},
        "primary_metric": {
            "name": primary.name,
            "title": primary.title,
            "higher_is_better": primary.higher_is_better,
        },
        "ranking_conditions": [board.condition(point) for point in standing.points],
        "ranks_from_paired_tests": standing.tested,
        "ceiling": standing.ceiling,
        "best_floor": {"model": standing.floor_name, "value": standing.floor}
        if standing.floor_name
        else None,
        "models": [_place(place) for place in standing.places],
        "reported": [
            {
                "model": name,
                "metric": primary.name,
                "condition": board.condition(point),
                "value": number.value,
                "source": number.source,
            }
            for name, numbers in published_by_model(board, primary.name).items()
            for point, number in numbers.items()
        ],
    }


def _place(place: Place) -> dict[str, Any]:
    record = place.row.entry.record
    return {
        "tier": place.row.tier,
        "rank": place.rank,
        "model": place.row.name,
        "title": record["model"]["title"],
        "status": record["status"],
        "value": place.value,
        "interval": None if place.interval is None else list(place.interval),
        "behind_first": None
        if place.behind is None
        else {
            "difference": place.behind,
            "interval": None if place.behind_interval is None else list(place.behind_interval),
        },
        "record": f"records/{place.row.entry.name}.json",
        "reads": record["model"]["reads"],
        "parameters": record["model"]["parameters"],
        "seeds": record["seeds"],
        "cost": record["cost"],
        "created": record["created"],
    }


def _card(card: ModelCard) -> dict[str, Any]:
    return {
        "name": card.name,
        "title": card.title,
        "authors": list(card.authors),
        "doi": card.doi or None,
        "year": card.year,
        "licence": card.licence,
        "reads": list(card.reads),
        "tasks": list(card.tasks),
    }
