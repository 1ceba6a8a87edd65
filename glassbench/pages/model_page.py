"""The list of models; the page of one: card, places, weakest conditions, records over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..contract.model_card import ModelCard
from .boards import Board, Row
from .record_page import reproduce
from .render import render_file
from .standing import Boards, Place

MOST_WEAKEST = 5


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


def model_context(name: str, card: ModelCard | None, boards: Boards) -> dict[str, Any]:
    """Return what the template of a model's page shows."""
    places: list[dict[str, Any]] = []
    for board, standing in boards:
        for place in standing.places:
            if place.row.name != name:
                continue
            entries = [place.row.entry, *place.row.earlier]
            places.append(
                {
                    "board": board,
                    "place": place,
                    "standing": standing,
                    "weakest": weakest(board, place.row),
                    "records": sorted(entries, key=lambda e: e.record["created"], reverse=True),
                    "commands": reproduce(place.row.entry.record, board.task, card),
                }
            )
    recorded = places[0]["place"].row.entry.record["model"] if places else {}
    return {
        "name": name,
        "title": card.title if card else recorded["title"],
        "card": card,
        "authors": places[0]["place"].row.authors if places else card.authors if card else (),
        "reads": card.reads if card else recorded["reads"],
        "parameters": recorded.get("parameters"),
        "places": places,
        "readme": render_file(card.folder / "README.md") if card else "",
    }


def weakest(board: Board, row: Row) -> list[dict[str, Any]]:
    """Return the conditions at which the model falls furthest short.

    Measured against the noise ceiling where there is one, otherwise by the score itself.
    """
    metric, sign = board.primary, 1 if board.primary.higher_is_better else -1
    scored = []
    for point in row.conditions:
        value, ceiling = row.value(metric.name, point), row.ceiling(metric.name, point)
        if value is not None:
            share = value / ceiling if ceiling else None
            scored.append((sign * (value if share is None else share), point, value, share))
    return [
        {"words": board.words(board.condition(point)), "value": value, "share": share}
        for _, point, value, share in sorted(scored, key=lambda item: item[:2])[:MOST_WEAKEST]
    ]
