"""The page of a task: what stands in its ranked table, its cost table and its heat map."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from .boards import Board, Point, published_by_model
from .exports import as_bibtex
from .scores import known_values
from .shared import TIER_HEADS, bar_backdrop, range_bar, scale_of
from .standing import Place, Standing, mean_over
from .words import condition_words, decimals_for, number, symbol, unit

MOST_CONDITION_COLUMNS = 6
HEAT_STEPS = 10


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
        "few": _condition_heads(board, few),
        "common": _common_words(board, standing.points),
        "species_of": species_of,
        "others": [m for m in board.metrics if not m.primary],
        "conditions": [words for _, words in _condition_heads(board, standing.points)],
        "tiers_ranked": _tiers_ranked(standing, rows),
        "parents": _independent_samples(board, standing),
        "front": pareto_front(board, standing),
        "transfer": _transfer(board),
        "replaced": _replaced(board),
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


def _varying(board: Board, points: Sequence[Point]) -> list[str]:
    """Return the axes on which conditions differ."""
    names = [axis.name for axis in board.task.axes]
    return [name for k, name in enumerate(names) if len({point[k] for point in points}) > 1]


def _condition_heads(board: Board, points: Sequence[Point]) -> list[tuple[Point, str]]:
    """Return conditions in words, without the axes on which all agree."""
    axes = _varying(board, points) or [axis.name for axis in board.task.axes]
    return [(p, condition_words(board.task, board.condition(p), axes)) for p in points]


def _common_words(board: Board, points: Sequence[Point]) -> str:
    """Return in words what all conditions share, empty where that is nothing or everything."""
    varying = _varying(board, points)
    if not points or not varying:
        return ""
    common = [axis.name for axis in board.task.axes if axis.name not in varying]
    return condition_words(board.task, board.condition(points[0]), common)


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


def _transfer(board: Board) -> list[dict[str, Any]]:
    """Return a matrix a model that was tested at other conditions than it was trained at."""
    matrices = []
    for row in board.rows:
        pairs = {**_explained_transfer(board, row), **_recorded_transfer(board, row)}
        if any(one != other for one, other in pairs):
            matrices.append(_matrix(board, row.name, pairs))
    return matrices


def _recorded_transfer(board: Board, row) -> dict[tuple[Point, Point], Mapping[str, Any]]:
    """Return the scores of a record by where the fit was trained and where it was tested."""
    metric = board.primary.name
    pairs = {}
    for place, others in row.scores.transfer.items():
        point = row.scores.points[place]
        for other in others:
            if metric in other["scores"]:
                pairs[point, _point(board, other["condition"])] = other["scores"][metric]
        if others:
            value, ends = row.scores.score(metric, point)
            pairs[point, point] = {"value": value, "interval": ends}
    return pairs


def _explained_transfer(board: Board, row) -> dict[tuple[Point, Point], Mapping[str, Any]]:
    found = (row.entry.explanation or {}).get("transfer") or ()
    return {(_point(board, e["trained_on"]), _point(board, e["tested_on"])): e for e in found}


def _point(board: Board, condition: Mapping[str, float]) -> Point:
    return tuple(float(condition.get(axis.name, math.nan)) for axis in board.task.axes)


def _matrix(board: Board, name: str, pairs: Mapping) -> dict[str, Any]:
    trained = sorted({pair[0] for pair in pairs})
    tested = sorted({pair[1] for pair in pairs})
    heads = dict(_condition_heads(board, sorted({*trained, *tested})))
    rows = [
        (heads[one], [(pairs.get((one, other)), one == other) for other in tested])
        for one in trained
    ]
    return {"name": name, "columns": [heads[point] for point in tested], "rows": rows}


def _replaced(board: Board) -> list[dict[str, Any]]:
    """Return the molecular dynamics behind the labels, from the first explanation that has it."""
    for row in board.rows:
        entries = (row.entry.explanation or {}).get("replaced") or []
        if entries:
            return [
                {**entry, "words": condition_words(board.task, entry["condition"])}
                for entry in entries
            ]
    return []


def heat_map(board: Board, standing: Standing) -> dict[str, Any]:
    """Return all conditions as a table of the primary metric, with steps of a colour scale."""
    metric = board.primary.name
    lines = [
        (place.row.name, place.row.status, place.row.entry.name,
         known_values(place.row.scores.along(place.row.scores.value.get(metric), board.points)))
        for place in standing.places
    ]  # fmt: skip
    lines += [
        (name, "reported", None,
         [numbers[p].value if p in numbers else None for p in board.points])
        for name, numbers in published_by_model(board, metric).items()
    ]  # fmt: skip
    values = [value for *_, cells in lines for value in cells if value is not None]
    low, high = (0.0, 1.0) if values and 0 <= min(values) and max(values) <= 1 else _ends(values)
    better = board.primary.higher_is_better

    def step(value: float) -> int:
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        return min(HEAT_STEPS - 1, int(HEAT_STEPS * (share if better else 1 - share)))

    return {
        "head": _head(board),
        "lines": [
            {
                "name": name, "status": status, "record": record,
                "cells": [None if value is None else (value, step(value)) for value in cells],
            }
            for name, status, record, cells in lines
        ],
        "ceiling": [board.ceiling(metric, point) for point in board.points],
        "scale": (low, high),
    }  # fmt: skip


def _ends(values: Sequence[float]) -> tuple[float, float]:
    if not values or min(values) == max(values):
        return 0.0, 1.0
    return min(values), max(values)


def _head(board: Board) -> list[dict[str, Any]]:
    """Return one header row an axis, with runs of equal values joined."""
    rows = []
    for depth, axis in enumerate(board.task.axes):
        cells: list[list[Any]] = []
        for k, point in enumerate(board.points):
            if cells and board.points[k - 1][: depth + 1] == point[: depth + 1]:
                cells[-1][1] += 1
            else:
                cells.append([number(point[depth]), 1])
        rows.append({"label": symbol(axis), "unit": unit(axis.unit), "cells": cells})
    return rows
