"""The page of a task: what stands in its ranked table and its cost table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .boards import Board, Point, published_by_model
from .condition_heads import common_words, condition_heads
from .costs import pareto_front, replaced_dynamics
from .exports import as_bibtex
from .shared import TIER_HEADS, bar_backdrop, range_bar, scale_of
from .standing import Place, Standing, mean_over
from .transfer_matrix import transfer_of
from .words import decimals_for

MOST_CONDITION_COLUMNS = 6


def board_context(board: Board, standing: Standing) -> dict[str, Any]:
    """Return what the template of a task's page shows."""
    decimals = decimals_for(place.interval for place in standing.places)
    scale = scale_of(board, standing)
    few = _columns_of_conditions(standing)
    rows = [_row(board, standing, place, few, scale) for place in standing.places]
    return {
        "board": board,
        "standing": standing,
        "decimals": decimals,
        "rows": rows,
        "backdrop": bar_backdrop(scale, standing.ceiling, standing.floor),
        "published": _published_rows(board, standing),
        "few": condition_heads(board, few),
        "common": common_words(board, standing.points),
        "species_of": species_of,
        "others": [m for m in board.metrics if not m.primary],
        "conditions": [words for _, words in condition_heads(board, standing.points)],
        "tiers_ranked": _tiers_ranked(standing, rows),
        "parents": _independent_samples(board, standing),
        "front": pareto_front(board, standing),
        "transfer": transfer_of(board, [place.row.name for place in standing.places]),
        "replaced": replaced_dynamics(board),
        "years": sorted({r["year"] for r in rows if r["year"]}),
        "tiers_here": sorted({tier for r in rows for tier in r["reads"]}),
        "statuses": sorted({r["status"] for r in rows}),
        "species": sorted({s for m in board.metrics if (s := species_of(m))}),
        "has_gpu": any(r["cost"]["gpu_seconds"] for r in rows),
    }


def ranking_data(board: Board, standing: Standing) -> dict[str, Any]:
    """Return the numbers of the ranked table with all their digits, for what the page exports.

    Columns are named as in the table; `bibliography` holds BibTeX by model.
    """
    primary = board.primary.name
    rows = {}
    for place in standing.places:
        low, high = place.interval or (None, None)
        cells = {"score": place.value, "low": low, "high": high, "behind": place.behind}
        for k, point in enumerate(_columns_of_conditions(standing), start=1):
            cells[f"at{k}"] = place.row.scores.score(primary, point)[0]
        cells["share"] = _share(standing, place)
        for metric in board.metrics:
            if metric.name != primary:
                cells[metric.name] = mean_over(place.row, metric.name, standing.points)
        rows[place.row.name] = cells
    cards = [place.row.card for place in standing.places if place.row.card]
    return {
        "rows": rows,
        "reported": {r["name"]: {"score": r["value"]} for r in _published_rows(board, standing)},
        "bibliography": {card.name: as_bibtex([card]) for card in cards},
    }


def _columns_of_conditions(standing: Standing) -> Sequence[Point]:
    """Return the conditions that have a column of their own: none where there are many, or one."""
    return standing.points if 1 < len(standing.points) <= MOST_CONDITION_COLUMNS else ()


def _share(standing: Standing, place: Place) -> float | None:
    """Return the score over the ceiling; errors have no ceiling of this kind, so no share."""
    return place.value / standing.ceiling if standing.ceiling and place.value is not None else None


def species_of(metric) -> str:
    """Return the species on which a metric looks, empty where it looks at all."""
    kind = metric.pairs if metric.on_pairs else metric.particles
    return kind.removeprefix("type_").upper() if kind.startswith("type_") else ""


def _row(
    board: Board, standing: Standing, place: Place, few: Sequence[Point], scale
) -> dict[str, Any]:
    row, record = place.row, place.row.entry.record
    return {
        "place": place,
        "name": row.name,
        "title": record["model"]["title"],
        "status": row.status,
        "is_floor": row.name in board.task.floors,
        "bar": range_bar(place.value, place.interval, scale),
        "share": _share(standing, place),
        "means": [
            (metric, mean_over(row, metric.name, standing.points))
            for metric in board.metrics
            if not metric.primary
        ],
        "at": [row.scores.score(board.primary.name, point)[0] for point in few],
        "reads": record["model"]["reads"],
        "parameters": record["model"]["parameters"],
        "year": row.card.year if row.card else None,
        "authors": list(row.card.authors) if row.card else [],
        "doi": row.card.doi if row.card else "",
        "seeds": len(record["seeds"]),
        "cost": record["cost"],
        "created": record["created"],
        "record": row.entry.name,
    }


def _published_rows(board: Board, standing: Standing) -> list[dict[str, Any]]:
    """Return one row a published model; means over the ranking conditions where it has them."""
    rows = []
    points = standing.points or board.points
    for name, numbers in published_by_model(board, board.primary.name).items():
        values = [numbers[p].value if p in numbers else None for p in points]
        complete = values and None not in values
        rows.append(
            {
                "name": name,
                "value": sum(values) / len(values) if complete else None,
                "count": len(numbers),
                "sources": sorted({n.source for n in numbers.values()}),
            }
        )
    sign = -1 if board.primary.higher_is_better else 1
    return sorted(rows, key=lambda r: (r["value"] is None, sign * (r["value"] or 0), r["name"]))


def _tiers_ranked(standing: Standing, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the tiers of a board with their rows and the ranks that several models share."""
    return [
        {
            "tier": tier,
            "head": TIER_HEADS[tier],
            "rows": [row for row in rows if row["place"].row.tier == tier],
            "shared": _shared_ranks(places),
        }
        for tier, places in standing.tiers.items()
    ]


def _shared_ranks(places: Sequence[Place]) -> dict[int, list[str]]:
    """Return the ranks that several models share, with their names."""
    groups: dict[int, list[str]] = {}
    for place in places:
        if place.rank is not None:
            groups.setdefault(place.rank, []).append(place.row.name)
    return {rank: names for rank, names in groups.items() if len(names) > 1}


def _independent_samples(board: Board, standing: Standing) -> int:
    parents = {parent for point in standing.points for parent in board.parents(point)}
    return len(parents)
