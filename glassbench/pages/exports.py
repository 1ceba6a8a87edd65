"""The numbers of a board: as CSV, JSON, LaTeX and BibTeX, and for the scripts of pages."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from ..contract.errors import escaped, visible
from ..contract.task import Axis
from ..contract.units import printed
from ..metrics import MetricSpecification
from ..metrics.bootstrap import DRAWS, FEWEST_FOR_INTERVAL, tail_share
from ..metrics.specification import NO_SCORE
from .boards import Board, Row
from .chart import style_of
from .references import reference_of_reported, tex, tex_words
from .sources import Point, samples_of
from .standing import Boards, Standing, in_order
from .words import axis_unit

TIER_HEADS = {
    "thermal": "Models using only the instantaneous configuration",
    "inherent": "Models that also read the inherent structure",
    "cage": "Models that also read cage-averaged positions",
    "dynamics": "Models that also read short-time dynamics",
    "predictions": "Predictions of programs that are not here: nobody can run them again",
}
BEFORE_AXES = ("status", "tier", "rank", "rank_lowest", "model", "metric")
AFTER_AXES = (
    "value", "low", "high", "ceiling", "ceiling_is", "reduced", "record", "protocol_version",
    "dataset", "dataset_digest", "source", "source_doi",
)  # fmt: skip
SIGNIFICANT_DIGITS = 6
# All other metrics of which more is better end at 1.
UNBOUNDED = NO_SCORE | {"binned_slope"}


def long_table(board: Board, standing: Standing) -> tuple[list[str], list[list[Any]]]:
    """Return columns and rows of every number of a board, one a row.

    Ranks are those of the primary metric. Measured and verified numbers come first, then reported
    ones, each with its status.
    """
    columns = [*BEFORE_AXES, *(axis.name for axis in board.task.axes), *AFTER_AXES]
    data = [board.protocol_version, board.dataset, board.digest or None]
    rows: list[list[Any]] = []
    for metric in (metric.name for metric in board.metrics):
        for place in standing.places:
            row = place.row
            ranks: list[int | None] = [None, None]
            if metric == board.primary.name:
                ranks = [place.rank, place.lowest]
            for point in filter(row.conditions.__contains__, board.points):
                if metric not in row.conditions[point]["scores"]:
                    continue
                ends = row.interval(metric, point) or (None, None)
                ceiling = row.ceiling(metric, point)
                kind = "largest value" if board.is_bound(metric, point) else "noise ceiling"
                rows.append([
                    row.status, row.tier, *ranks, row.name, metric, *point,
                    row.value(metric, point), *ends, ceiling, None if ceiling is None else kind,
                    "; ".join(row.reduced) or None, row.entry.name, *data, None, None,
                ])  # fmt: skip
    for metric in (metric.name for metric in board.metrics):
        for name, published in board.published(metric).items():
            reference = reference_of_reported(name)
            for point, number in published.items():
                rows.append([
                    "reported", None, None, None, name, metric, *point,
                    number.value, None, None, None, None, None, None, *data,
                    number.source, reference.doi if reference else None,
                ])  # fmt: skip
    return columns, rows


def with_units(board: Board, columns: Iterable[str]) -> list[str]:
    """Return the heads of a CSV file, axes with their units: `time (τ)`."""
    units = {
        axis.name: printed(axis.unit) for axis in board.task.axes if axis.unit not in ("", "1")
    }
    return [f"{name} ({units[name]})" if name in units else name for name in columns]


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table as CSV; numbers carry all their digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_guarded(v) if isinstance(v, str) else v for v in row] for row in rows)
    return text.getvalue()


def _guarded(text: str) -> str:
    """Return a visible text that no spreadsheet takes for a formula."""
    text = visible(text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def as_json(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table as a JSON list of objects, one a line."""
    lines = [escaped(json.dumps(dict(zip(columns, row)), ensure_ascii=False)) for row in rows]
    return "[" + ",\n".join(lines) + "]\n"


def latex_lines(board: Board, standing: Standing, address: str = "") -> list[tuple[str, str]]:
    """Return the lines of the ranked table for a paper, each with the model that it is about.

    It needs `booktabs` and nothing else, and compiles with plain pdfTeX. Tiers of input stand
    apart, published numbers follow with their sources. The caption names metric, conditions,
    dataset, protocol and the page, `address`, where that is known.
    """

    def in_digits(value: float | None) -> str:
        return "--" if value is None else f"${value:.{standing.decimals}f}$"

    reduced = {place.row.name for place in standing.places if place.row.reduced}
    conditions = "; ".join(board.heads(standing.points or board.relaxed))
    common = board.common_words(standing.points or board.relaxed)
    conditions = f"{conditions} at {common}" if common else conditions
    caption = f"{board.task.title}: {board.primary.title}, mean over {conditions}. "
    protocol = "" if board.superseded else f", protocol {board.protocol_version}"
    caption += f"Dataset {' '.join(filter(None, (board.label, board.digest[:19])))}{protocol}. "
    if standing.places:
        caption += "Brackets: 95 % interval over independent samples. Rank: 1 + number of "
        caption += "significantly better models; = where shared. "
    caption += "*: smaller or trained less than published. " if reduced else ""
    where = re.sub(r"(?<=[/-])", r"\\allowbreak{}", tex(f"{address}task/{board.name}.html"))
    where = rf" \texttt{{{where}}}" if address else ""
    head = rf"Rank & Model & Status & \multicolumn{{2}}{{l}}{{{tex_words(board.primary.title)}}} \\"
    lines = [
        ("", "% \\usepackage{booktabs}"),
        ("", r"\begin{table}"),
        ("", rf"\caption{{{tex_words(caption)}{where}}}"),
        ("", r"\begin{tabular}{rllr@{\;}l}"),
        ("", r"\toprule"),
        ("", head),
    ]
    for tier, places in standing.tiers.items():
        lines.append(("", r"\midrule"))
        if len(standing.tiers) > 1:
            lines.append(("", rf"\multicolumn{{5}}{{l}}{{{tex(TIER_HEADS[tier])}}} \\"))
        for place in places:
            rank = "--" if place.rank is None else f"${standing.rank_words(place)}$"
            ends = f"[{', '.join(map(in_digits, place.interval))}]" if place.interval else ""
            name = tex(place.row.name) + ("*" if place.row.name in reduced else "")
            # A bracket at the beginning of a cell would be an option of the line before.
            value = f"{in_digits(place.value)} & {{{ends}}}"
            lines.append((place.row.name, rf"{rank} & {name} & {place.row.status} & {value} \\"))
    published = board.published_means(standing.points)
    if published:
        lines.append(("", r"\midrule"))
        lines.append(("", r"\multicolumn{5}{l}{Published on this dataset, not run here} \\"))
    for name, mean in published:
        reference = reference_of_reported(name)
        value = f"{in_digits(mean)} & {{{tex(reference.short) if reference else ''}}}"
        lines.append((name, rf"-- & {tex(name)} & reported & {value} \\"))
    return [*lines, *(("", end) for end in (r"\bottomrule", r"\end{tabular}", r"\end{table}"))]


def as_script(name: str, plain: Any) -> str:
    """Return data as a script: pages opened from a folder may load scripts, not JSON."""
    text = escaped(json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":")))
    return f"glassbench.receive({json.dumps(name)},{text});\n"


def board_data(board: Board, metric: MetricSpecification) -> dict[str, Any]:
    """Return scores, ceilings, floors and published numbers of a metric by condition."""
    points, is_primary = board.points, metric.name == board.primary.name
    bounded = metric.higher_is_better and metric.function not in UNBOUNDED
    return {
        "metric": {**_metric(metric), "bounded": bounded},
        "axes": [_axis(axis, printed(axis.unit)) for axis in board.task.axes],
        "points": points,
        "tau": [board.tau_alpha(point) for point in points],
        "ceiling_words": "largest possible value"
        if all(board.is_bound(metric.name, p) for p in points)
        else "noise ceiling",
        "ceiling": _short(board.ceiling(metric.name, point) for point in points),
        "floors": [
            {"name": name, "values": _short(map(values.get, points))}
            for name, values in board.floors.items()
            if is_primary
        ],
        "models": [
            {**_model(row), **_scores(row, metric.name, board.points)} for row in board.rows
        ],
        "reported": [
            {
                "name": name,
                "style": style_of(name),
                "values": _short(numbers[p].value if p in numbers else None for p in points),
            }
            for name, numbers in board.published(metric.name).items()
        ],
    }


def compare_index(boards: Boards) -> str:
    """Return, as a script, the boards and models that the page of comparisons offers."""
    entries = [e for board, _ in boards for row in board.rows for e in row.conditions.values()]
    samples = sorted({samples_of(entry) for entry in entries})
    plain = {
        "draws": DRAWS,
        "shares": {str(n): tail_share(0.95, n) for n in samples if n >= FEWEST_FOR_INTERVAL},
        "boards": [
            {
                "name": board.name,
                "title": f"{board.task.title}, {board.label}",
                "axes": [_axis(axis, axis_unit(axis)) for axis in board.task.axes],
                "metrics": [_metric(m) for m in board.metrics if m.average == "configuration"],
                "models": [_model(place.row) for place in standing.places],
            }
            for board, standing in in_order(boards)
            if board.rows
        ],
    }
    return as_script("index", plain)


def _metric(metric: MetricSpecification) -> dict[str, Any]:
    return {"name": metric.name, "title": metric.title, "higher": metric.higher_is_better}


def _axis(axis: Axis, unit: str) -> dict[str, str]:
    return {"name": axis.name, "symbol": printed(axis.symbol), "unit": unit}


def _model(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "title": row.title,
        "status": row.status,
        "record": row.entry.name,
        "style": style_of(row.name),
    }


def _scores(row: Row, metric: str, points: Sequence[Point]) -> dict[str, Any]:
    ends = [row.interval(metric, point) or (None, None) for point in points]
    return {
        "values": _short(row.value(metric, point) for point in points),
        "low": _short(low for low, _ in ends),
        "high": _short(high for _, high in ends),
    }


def _short(values: Iterable[float | None]) -> list[float | None]:
    """Return values with a few significant digits."""
    return [None if v is None else float(f"{v:.{SIGNIFICANT_DIGITS}g}") for v in values]
