"""The list of models; the page of one: card, places, weakest conditions, records over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from ..contract.model_card import ModelCard
from .boards import Board, Row
from .chart import COLOURS, TIME_LABEL, Line, line_chart, style_at
from .published import published_tables
from .record_page import reproduce
from .references import card_of_reported, cite_all, method_of, reference_of_reported
from .render import render_file
from .sources import is_reimplemented
from .standing import Boards, Place, Standing, in_order
from .words import number

MOST_WEAKEST = 5


def model_names(boards: Boards, cards: Mapping[str, ModelCard]) -> list[str]:
    """Return every model with a card or a record."""
    return sorted({*cards, *(row.model for board, _ in boards for row in board.rows)})


def models_context(boards: Boards, cards: Mapping[str, ModelCard]) -> dict[str, Any]:
    """Return what the list of models shows: cards, and the place of each model on each board."""
    names = model_names(boards, cards)
    places: dict[str, list[tuple[Board, Standing, Place]]] = {name: [] for name in names}
    published: dict[str, list[Board]] = {}
    for board, standing in in_order(boards):
        for place in standing.places:
            places[place.row.model].append((board, standing, place))
        for name in dict.fromkeys(one.model for one in board.reported):
            if not card_of_reported(name, names):
                published.setdefault(name, []).append(board)
    return {
        "names": names,
        "cards": cards,
        "places": places,
        "floors": {name for board, _ in boards for name in board.task.floors},
        "methods": {n: method_of(n, cards[n].doi if n in cards else "") for n in names},
        "published": dict(sorted(published.items(), key=lambda item: item[0].lower())),
        "references": {name: reference_of_reported(name) for name in published},
    }


def tables_of_boards(boards: Boards) -> list[dict[str, Any]]:
    """Return the tables of published numbers, each with its board."""
    return [{**table, "board": board} for board, _ in boards for table in published_tables(board)]


def model_context(
    name: str, card: ModelCard | None, boards: Boards, tables: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return what the template of a model's page shows; `tables` are those of all boards."""
    places: list[dict[str, Any]] = []
    for board, standing in in_order(boards):
        for place in standing.places:
            if place.row.model != name:
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
    own = [
        {**table, "rows": [r for r in table["rows"] if card_of_reported(r["name"], [name])]}
        for table in tables
    ]
    published = [table for table in own if table["rows"]]
    recorded = places[0]["place"].row.entry.record["model"] if places else {}
    return {
        "name": name,
        "title": card.title if card else recorded["title"],
        "card": card,
        "authors": places[0]["place"].row.authors if places else card.authors if card else (),
        "reads": card.reads if card else recorded["reads"],
        "parameters": recorded.get("parameters"),
        "places": places,
        "published": published,
        "published_figure": published_figure(name, published),
        "method": method_of(name, card.doi if card else ""),
        "reimplemented": is_reimplemented(card),
        "cite": cite_all([card]) if card else "",
        "readme": render_file(card.folder / "README.md") if card else "",
    }


def published_figure(name: str, published: Sequence[Mapping[str, Any]]) -> Markup:
    """Return the published curves of a model in the primary metric, a line for each temperature."""
    tables = [t for t in published if t["metric"] is t["board"].primary and t["tau"]]
    curves = [(table, row) for table in tables for row in table["rows"]]
    several = len({row["name"] for _, row in curves}) > 1
    lines = [
        Line(
            f"{row['name']}, {table['words']}" if several else table["words"],
            [(x, y) for (_, x), y in zip(table["times"], row["values"]) if y is not None],
            reported=True,
            style=style_at(k),
        )
        for k, (table, row) in enumerate(curves[: len(COLOURS)])
    ]
    title = tables[0]["metric"].title if tables else ""
    return line_chart(
        lines,
        x_label=TIME_LABEL,
        y_label=title,
        label=f"Published {title} of {name} against t / tau_alpha; the numbers are in the table",
        x_ticks={10.0**k: number(10.0**k) for k in range(-4, 2)},
        logarithmic=True,
        size=(720, 340),
    )


def weakest(board: Board, row: Row) -> list[dict[str, Any]]:
    """Return the conditions at which the model falls furthest short.

    Measured against the noise ceiling where there is one, otherwise by the score itself.
    """
    metric, sign = board.primary, 1 if board.primary.higher_is_better else -1
    scored = []
    for point in row.conditions:
        bound = board.is_bound(metric.name, point)
        value, ceiling = row.value(metric.name, point), row.ceiling(metric.name, point)
        if value is not None:
            share = value / ceiling if ceiling and not bound else None
            scored.append((sign * (value if share is None else share), point, value, share))
    return [
        {"words": board.words(board.condition(point)), "value": value, "share": share}
        for _, point, value, share in sorted(scored, key=lambda item: item[:2])[:MOST_WEAKEST]
    ]
