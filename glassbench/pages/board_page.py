"""The page of a board: its ranked table, and what its scores cost."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ..metrics import MetricSpecification
from .boards import Board
from .exports import TIER_HEADS, as_bibtex
from .scores import Point
from .standing import Place, Standing, mean_over
from .transfer_matrix import transfer_of

MOST_CONDITION_COLUMNS = 6
MEASURES = ("gpu_seconds", "cpu_seconds", "wall_seconds")


def board_context(board: Board, standing: Standing) -> dict[str, Any]:
    """Return what the template of a board's page shows."""
    columns = _columns_of_conditions(standing)
    rows = [_row(board, standing, place, columns) for place in standing.places]
    return {
        "board": board,
        "standing": standing,
        "decimals": standing.decimals,
        "rows": rows,
        "scale": bar_scale(board, standing),
        "published": _published_rows(board, standing),
        "few": board.heads(columns),
        "common": board.common_words(standing.points),
        "species_of": species_of,
        "others": board.metrics[1:],
        "conditions": board.heads(standing.points),
        "tiers_ranked": _ranked_tiers(standing, rows),
        "parents": len({name for point in standing.points for name in board.parents(point)}),
        "front": pareto_front(board, standing),
        "transfer": transfer_of(board, [place.row.name for place in standing.places]),
        "replaced": _replaced_dynamics(board),
        "tiers_here": sorted({tier for row in rows for tier in row["record"]["model"]["reads"]}),
        "species": sorted({kind for m in board.metrics if (kind := species_of(m))}),
        "has_gpu": any(row["record"]["cost"]["gpu_seconds"] for row in rows),
    }


def ranking_data(board: Board, standing: Standing) -> dict[str, Any]:
    """Return the numbers of the ranked table with all their digits, for what the page exports.

    Columns are named as in the table; `bibliography` holds BibTeX by model.
    """
    columns = _columns_of_conditions(standing)
    rows = {}
    for place in standing.places:
        row = _row(board, standing, place, columns)
        low, high = place.interval or (None, None)
        rows[place.row.name] = {
            "score": place.value,
            "low": low,
            "high": high,
            "behind": place.behind,
            **{f"at{k}": value for k, value in enumerate(row["at"], start=1)},
            "share": row["share"],
            **{metric.name: mean for metric, mean in row["means"]},
        }
    cards = [place.row.card for place in standing.places if place.row.card]
    return {
        "rows": rows,
        "reported": {r["name"]: {"score": r["value"]} for r in _published_rows(board, standing)},
        "bibliography": {card.name: as_bibtex([card]) for card in cards},
    }


def bar_scale(board: Board, standing: Standing) -> tuple[float, float]:
    """Return the ends of the range bars of a board: 0 to 1, or a little beyond what occurs."""
    values = [standing.ceiling, standing.floor]
    for place in standing.places:
        values += [place.value, *(place.interval or ())]
    known = [value for value in values if value is not None]
    if not known or (min(known) >= 0 and max(known) <= 1 and board.primary.higher_is_better):
        return 0.0, 1.0
    low, high = min(0.0, *known), max(known)
    return low, high + 0.05 * (high - low or 1.0)


def species_of(metric: MetricSpecification) -> str:
    """Return the species that a metric is restricted to, empty for all."""
    kind = (metric.pairs if metric.on_pairs else metric.particles) or "all"
    return kind.removeprefix("type_").upper() if kind.startswith("type_") else ""


def pareto_front(board: Board, standing: Standing) -> dict[str, set[str]]:
    """Return, by measure of cost, the models that no other of their tier beats in score and cost.

    What a model reads beyond the static structure has a cost that no record counts.
    """
    sign = 1 if board.primary.higher_is_better else -1
    front: dict[str, set[str]] = {measure: set() for measure in MEASURES}
    for measure, places in itertools.product(MEASURES, standing.tiers.values()):
        known = [
            (place.row.name, place.row.entry.record["cost"][measure], sign * place.value)
            for place in places
            if place.value is not None
        ]
        for name, cost, value in known:
            as_good = [(c, v) for _, c, v in known if c <= cost and v >= value]
            if all(other == (cost, value) for other in as_good):
                front[measure].add(name)
    return front


def _columns_of_conditions(standing: Standing) -> Sequence[Point]:
    """Return the conditions that have a column of their own: none where there are many, or one."""
    return standing.points if 1 < len(standing.points) <= MOST_CONDITION_COLUMNS else ()


def _row(
    board: Board, standing: Standing, place: Place, columns: Sequence[Point]
) -> dict[str, Any]:
    row, share = place.row, None
    if standing.ceiling and place.value is not None:
        share = place.value / standing.ceiling
    return {
        "place": place,
        "name": row.name,
        "record": row.entry.record,
        "page": row.entry.name,
        "card": row.card,
        "is_floor": row.name in board.task.floors,
        "share": share,
        "means": [
            (metric, mean_over(row, metric.name, standing.points)) for metric in board.metrics[1:]
        ],
        "at": [row.value(board.primary.name, point) for point in columns],
    }


def _published_rows(board: Board, standing: Standing) -> list[dict[str, Any]]:
    """Return one row a published model; means over the ranking conditions where it has them."""
    rows = []
    points = standing.points or board.points
    for name, numbers in board.published(board.primary.name).items():
        known = [numbers[point].value for point in points if point in numbers]
        complete = known and len(known) == len(points)
        rows.append(
            {
                "name": name,
                "value": sum(known) / len(known) if complete else None,
                "count": len(numbers),
                "sources": sorted({number.source for number in numbers.values()}),
            }
        )
    sign = -1 if board.primary.higher_is_better else 1
    return sorted(rows, key=lambda r: (r["value"] is None, sign * (r["value"] or 0), r["name"]))


def _ranked_tiers(standing: Standing, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the tiers of a board with their rows and the ranks that several models share."""
    tiers = []
    for tier, places in standing.tiers.items():
        ranks = Counter(place.rank for place in places)
        tiers.append(
            {
                "tier": tier,
                "head": TIER_HEADS[tier],
                "rows": [row for row in rows if row["place"].row.tier == tier],
                "shared": {rank for rank, number in ranks.items() if number > 1},
            }
        )
    return tiers


def _replaced_dynamics(board: Board) -> list[dict[str, Any]]:
    """Return the molecular dynamics behind the labels, from the first explanation that has it."""
    explanations = (row.entry.explanation or {} for row in board.rows)
    return [
        {**entry, "words": board.words(entry["condition"])}
        for entry in next((e["replaced"] for e in explanations if e.get("replaced")), ())
    ]
