"""The page of a model: its card, its places, its weakest conditions, its records over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..contract.model_card import ModelCard
from .boards import Board, Row
from .command_line import reproduce
from .markdown import render_file
from .scores import known_values
from .standing import Standing
from .words import decimals_for

MOST_WEAKEST = 5


def model_names(boards: Sequence[Board], cards: Mapping[str, ModelCard]) -> list[str]:
    """Return every model with a card or a record."""
    return sorted({*cards, *(row.name for board in boards for row in board.rows)})


def model_context(
    name: str, card: ModelCard | None, boards: Sequence[tuple[Board, Standing]]
) -> dict[str, Any]:
    """Return what the template of a model's page shows."""
    places = []
    for board, standing in boards:
        place = next((p for p in standing.places if p.row.name == name), None)
        if place is None:
            continue
        entries = [place.row.entry, *place.row.earlier]
        places.append(
            {
                "board": board,
                "place": place,
                "of": len(standing.tiers[place.row.tier]),
                "decimals": decimals_for(p.interval for p in standing.places),
                "ceiling": standing.ceiling,
                "weakest": weakest(board, place.row),
                "records": sorted(entries, key=lambda e: e.record["created"], reverse=True),
                "commands": reproduce(place.row.entry.record, board.task, card),
            }
        )
    first = places[0]["place"].row.entry.record["model"] if places else None
    return {
        "name": name,
        "title": card.title if card else first["title"],
        "card": card,
        "reads": card.reads if card else first["reads"],
        "parameters": first["parameters"] if first else None,
        "places": places,
        "readme": render_file(card.folder / "README.md") if card else "",
    }


def weakest(board: Board, row: Row) -> list[dict[str, Any]]:
    """Return the conditions at which the model falls furthest short.

    Measured against the noise ceiling where there is one, otherwise by the score itself.
    """
    metric, found = board.primary, []
    scores = row.scores
    values = known_values(scores.along(scores.value.get(metric.name), scores.points))
    ceilings = known_values(scores.along(scores.ceiling.get(metric.name), scores.points))
    for point, value, ceiling in zip(scores.points, values, ceilings, strict=True):
        if value is None:
            continue
        share = value / ceiling if ceiling else None
        badness = share if share is not None else (value if metric.higher_is_better else -value)
        found.append((badness, point, value, share))
    return [
        {"words": board.words(point), "value": value, "share": share}
        for _, point, value, share in sorted(found, key=lambda item: item[:2])[:MOST_WEAKEST]
    ]
