"""The pages of a board: its ranked table, costs, all conditions as a heat map, and transfer."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from markupsafe import Markup

from ..contract.conditions import FEWEST_ORDERED
from ..metrics import MetricSpecification
from .boards import NO_CONDITION, Board, Row
from .chart import Line, line_chart, style_at, style_of
from .exports import TIER_HEADS, latex_lines
from .published import beside, published_rows, published_tables, state_of_the_art
from .references import as_bibtex, card_of_reported, cite_all
from .render import render
from .sources import Cell, Ends, Point, cell_of, shown_interval
from .standing import Place, Standing, mean_over
from .words import score

MOST_CONDITION_COLUMNS = 6
HEAT_STEPS = 10
MEASURES = ("gpu_seconds", "cpu_seconds", "wall_seconds")


def board_context(board: Board, standing: Standing, models: Sequence[str]) -> dict[str, Any]:
    """Return what the template of a board's page shows; `models` are those with a page."""
    explanations = [one for row in board.rows if (one := row.entry.explanation)]
    owned = {name: card_of_reported(name, models) for name in {r.model for r in board.reported}}
    return {
        "board": board,
        "standing": standing,
        "tier_heads": TIER_HEADS,
        "scale": bar_scale(board, standing),
        "published": published_rows(board, standing, models),
        "published_tables": published_tables(board),
        "published_models": {name: own for name, own in owned.items() if own},
        "art": (art := state_of_the_art(board)),
        "art_figure": _art_figure(board, art),
        "beside": {row.name: words for row in board.rows if (words := beside(board, row.name))},
        "learning": learning_curves(board, standing),
        "maps": any(one.maps for one in explanations),
        "style_of": style_of,
        "cite": cite(board),
        "columns": _columns_of_conditions(standing),
        "mean_over": mean_over,
        "front": pareto_front(board, standing),
        "collective": (collective := [m for m in board.metrics if m.is_collective]),
        "fluctuations": fluctuations_of(standing, collective),
        "transfer": transfer_of(board, [place.row.name for place in standing.places]),
        "replaced": next((one.replaced for one in explanations if one.replaced), ()),
    }


def fluctuations_of(
    standing: Standing, metrics: Sequence[MetricSpecification]
) -> dict[Point, list[Row]]:
    """Return the models that were measured by collective metrics, where there are any."""
    names, rows = {metric.name for metric in metrics}, [place.row for place in standing.places]
    measured = {p: [r for r in rows if names & r.scores(p).keys()] for p in standing.points}
    return {point: of_point for point, of_point in measured.items() if of_point}


def cite(board: Board) -> str:
    """Return what to cite for a board: its methods, its dataset, GlassBench."""
    return cite_all([row.card for row in board.rows if row.card], board.dataset)


def ranking_data(board: Board, standing: Standing, address: str) -> dict[str, Any]:
    """Return the numbers of the ranked table with all their digits, for what the page exports.

    Columns are named as in the table, `heads` are those of a CSV file, with units; `latex` are the
    lines of the table for a paper, and `bibliography` holds BibTeX by model.
    """
    points, metric = _columns_of_conditions(standing), board.primary.name
    rows = {}
    for place in standing.places:
        low, high = place.interval or (None, None)
        rows[place.row.name] = {
            "rank": place.rank,
            "rank_lowest": place.lowest,
            "score": place.value,
            "low": low,
            "high": high,
            "behind": place.behind,
            "behind_low": place.behind_interval[0] if place.behind_interval else None,
            "behind_high": place.behind_interval[1] if place.behind_interval else None,
            **{f"at{k}": place.row.value(metric, p) for k, p in enumerate(points, start=1)},
            "share": standing.share(place),
            **{m.name: mean_over(place.row, m.name, standing.points) for m in board.metrics[1:]},
            "reduced": "; ".join(place.row.reduced),
        }
    cards = [place.row.card for place in standing.places if place.row.card]
    heads = {f"at{k}": words for k, words in enumerate(board.heads(points), start=1)}
    return {
        "heads": {**heads, "gpu": "GPU time (s)", "cpu": "CPU time (s)"},
        "rows": rows,
        "reported": {
            r["name"]: {
                "score": r["value"],
                "source": r["reference"].words if r["reference"] else "",
            }
            for r in published_rows(board, standing)
        },
        "latex": latex_lines(board, standing, address),
        "bibliography": {card.name: as_bibtex([card]) for card in cards},
    }


def board_badge(board: Board, standing: Standing, place: Place) -> str:
    """Return the badge of a model on a board: rank with its range, score, status."""
    rank = f"rank {standing.rank_words(place)} of {len(standing.tiers[place.row.tier])}, "
    rank = "" if place.rank is None else rank
    words = f"{rank}{score(place.value, 2)}, {place.row.status}"
    words += ", reduced" if place.row.reduced else ""
    colour = "#00694e" if place.row.status == "verified" else "#0b5d9e"
    left = f"GlassBench {board.task.name}, {board.label}"
    return render("badge.svg", left=left, right=words, colour=colour)


def learning_curves(board: Board, standing: Standing) -> list[dict[str, Any]]:
    """Return, by condition, the score of every model against training configurations."""
    conditions: dict[str, list[tuple[str, list[tuple[int, float, Ends]]]]] = {}
    for place in standing.places:
        explanation = place.row.entry.explanation
        for curve in explanation.learning_curve if explanation else ():
            entry = board.entry_at(board.point(curve.condition)) or NO_CONDITION
            points = [
                (p.configurations, p.value, shown_interval(entry, p.interval))
                for p in curve.points
                if p.value is not None
            ]
            conditions.setdefault(board.words(curve.condition), []).append((place.row.name, points))
    return [
        {
            "words": words,
            "curves": curves,
            "counts": (counts := sorted({n for _, points in curves for n, *_ in points})),
            "figure": line_chart(
                [Line(name, [(n, value) for n, value, _ in points]) for name, points in curves],
                x_label="training configurations",
                y_label=board.primary.title,
                label=f"{board.primary.title} against training configurations at {words}",
                x_ticks={n: str(n) for n in counts},
                logarithmic=True,
                size=(560, max(300, 70 + 15 * len(curves))),
            ),
        }
        for words, curves in conditions.items()
    ]


def _art_figure(board: Board, art: Sequence[Mapping[str, Any]]) -> Markup:
    years = {step["year"] for line in art for step in line["best"]}
    return line_chart(
        [
            Line(
                line["words"],
                [(step["year"], step["value"]) for step in line["best"]],
                style=style_at(k),
            )
            for k, line in enumerate(art)
        ],
        x_label="year of publication",
        y_label=board.primary.title,
        label=f"Best published {board.primary.title} at the relaxation time over the years",
        x_ticks={year: str(year) for year in years},
        y_ends=(0.0, 1.0) if board.primary.higher_is_better else bar_ends(art),
    )


def bar_ends(art: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Return the ends of a scale from 0 to a little above the largest value."""
    return 0.0, 1.1 * max((step["value"] for line in art for step in line["best"]), default=1.0)


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


def heat_map(board: Board, standing: Standing) -> dict[str, Any]:
    """Return all conditions as a table of the primary metric, with steps of a colour scale."""
    metric, points = board.primary.name, board.points
    lines: list[tuple[str, str, str | None, list[float | None]]] = [
        (row.name, row.status, row.entry.name, [row.value(metric, point) for point in points])
        for row in (place.row for place in standing.places)
    ]
    for name, numbers in board.published(metric).items():
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

    # One header row an axis, with runs of equal values joined.
    runs = []
    for depth in range(1, len(board.task.axes) + 1):
        equal = itertools.groupby(points, key=itemgetter(slice(depth)))
        runs.append([(values[-1], len(list(run))) for values, run in equal])
    return {
        "board": board,
        "standing": standing,
        "heads": zip(board.task.axes, runs),
        "lines": lines,
        "step": step,
        "ceiling": [board.ceiling(metric, point) for point in points],
        "scale": (low, high),
    }


def transfer_of(board: Board, names: Sequence[str]) -> dict[str, Any]:
    """Return what the board knows of transfer, models in the order of `names`.

    `matrices`, a model each, or instead `together`, one row a model, where all were trained at
    the same single condition; `means` of the tasks that have them.
    """
    rows = sorted(board.rows, key=lambda row: names.index(row.name))
    matrices = []
    for row in rows:
        pairs = _transfer_pairs(board, row)
        if any(one != other for one, other in pairs):
            trained, tested = (sorted({pair[side] for pair in pairs}) for side in (0, 1))
            points = sorted({*trained, *tested})
            heads = dict(zip(points, board.heads(points), strict=True))
            lines = [
                (heads[one], [(pairs.get((one, other)), one == other) for other in tested])
                for one in trained
            ]
            columns = [heads[point] for point in tested]
            matrices.append({"name": row.name, "columns": columns, "rows": lines})
    shapes = {(tuple(m["columns"]), *(words for words, _ in m["rows"])) for m in matrices}
    together = len(shapes) == 1 and len(matrices[0]["rows"]) == 1
    return {
        "matrices": [] if together else matrices,
        "together": matrices if together else [],
        "means": _means(board, rows),
    }


def _transfer_pairs(board: Board, row: Row) -> dict[tuple[Point, Point], Cell]:
    """Return scores by where a fit was trained and tested: the explanation's, then the record's."""
    metric = board.primary.name
    pairs: dict[tuple[Point, Point], Cell] = {}
    for pair in row.entry.explanation.transfer if row.entry.explanation else ():
        trained, tested = board.point(pair.trained_on), board.point(pair.tested_on)
        interval = shown_interval(board.entry_at(tested) or NO_CONDITION, pair.interval)
        pairs[trained, tested] = (pair.value, interval, ())
    for point, transfer in _transfers(row):
        for entry in (row.conditions[point], *transfer["conditions"]):
            if metric in entry["scores"]:
                pairs[point, board.point(entry["condition"])] = cell_of(entry, metric)
    return pairs


def _means(board: Board, rows: Sequence[Row]) -> dict[str, Any] | None:
    """Return means of prediction and truth wherever fits were tested, or None where there are none.

    Only for tasks with a mean error among their metrics: elsewhere the prediction does not have
    the unit of the truth.
    """
    if all(metric.function != "mean_error" for metric in board.metrics):
        return None
    fits = []
    truth: dict[Point, float] = {}
    for row in rows:
        for point, transfer in _transfers(row):
            means = {point: transfer["means"]}
            means |= {board.point(c["condition"]): c["means"] for c in transfer["conditions"]}
            truth |= {tested: mean["target"] for tested, mean in means.items()}
            fits.append((row.name, point, means, transfer["rank_order"]))
    if not fits:
        return None
    tested = sorted(truth)
    return {
        "columns": board.heads(tested),
        "ordered": len(tested) >= FEWEST_ORDERED,
        "truth": [truth[point] for point in tested],
        "rows": [
            (name, [(means.get(point), point == own) for point in tested], rank_order)
            for name, own, means, rank_order in fits
        ],
    }


def _transfers(row: Row) -> list[tuple[Point, Mapping[str, Any]]]:
    """Return what a record says of its fits at other conditions, by where each was trained."""
    return [(p, entry["transfer"]) for p, entry in row.conditions.items() if entry.get("transfer")]
