"""The numbers of a board: as CSV, JSON, LaTeX and BibTeX, and for the scripts of pages."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from ..contract.errors import escaped, visible
from ..contract.model_card import ModelCard
from ..contract.task import Axis
from ..contract.units import printed
from ..metrics import MetricSpecification
from ..metrics.bootstrap import DRAWS, FEWEST_FOR_INTERVAL, tail_share
from ..metrics.specification import NO_SCORE
from .boards import Board, Row
from .sources import Point, samples_of
from .standing import Boards, Standing
from .words import axis_unit

TIER_HEADS = {
    "thermal": "Models using only the instantaneous configuration",
    "inherent": "Models that also read the inherent structure",
    "cage": "Models that also read cage-averaged positions",
    "dynamics": "Models that also read short-time dynamics",
    "predictions": "Predictions of programs that are not here: nobody can run them again",
}
BEFORE_AXES = ("status", "tier", "rank", "model", "metric")
AFTER_AXES = (
    "value", "low", "high", "ceiling", "record", "protocol_version", "dataset",
    "dataset_digest", "source",
)  # fmt: skip
SIGNIFICANT_DIGITS = 6
# All other metrics of which more is better end at 1.
UNBOUNDED = NO_SCORE | {"binned_slope"}
_TEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    # BibTeX counts braces, whether a backslash stands before them or not.
    "{": r"\textbraceleft ", "}": r"\textbraceright ",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "–": "--", "α": r"$\alpha$", "τ": r"$\tau$", "−": "-",
}  # fmt: skip


def long_table(board: Board, standing: Standing) -> tuple[list[str], list[list[Any]]]:
    """Return columns and rows of every number of a board in the primary metric, one a row.

    Measured and verified numbers come first, then reported ones, each with its status.
    """
    metric = board.primary.name
    columns = [*BEFORE_AXES, *(axis.name for axis in board.task.axes), *AFTER_AXES]
    data = [board.protocol_version, board.dataset, board.digest or None]
    rows: list[list[Any]] = []
    for place in standing.places:
        row = place.row
        for point in filter(row.conditions.__contains__, board.points):
            ends = row.interval(metric, point) or (None, None)
            rows.append([
                row.status, row.tier, place.rank, row.name, metric, *point,
                row.value(metric, point), *ends, row.ceiling(metric, point),
                row.entry.name, *data, None,
            ])  # fmt: skip
    for name, published in board.published(metric).items():
        for point, number in published.items():
            rows.append([
                "reported", None, None, name, metric, *point,
                number.value, None, None, None,
                None, *data, number.source,
            ])  # fmt: skip
    return columns, rows


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


def as_latex(board: Board, standing: Standing) -> str:
    """Return the ranked table for a paper that loads `booktabs`, tiers of input apart."""

    def in_digits(value: float | None) -> str:
        return "--" if value is None else f"{value:.{standing.decimals}f}"

    lines = [
        rf"% {_tex(board.task.title)}, dataset {_tex(board.dataset)} {_tex(board.digest[:23])}",
        r"\begin{tabular}{rllr@{\;}l}",
        r"\toprule",
        rf"Rank & Model & Status & \multicolumn{{2}}{{l}}{{{_tex(board.primary.title)}}} \\",
    ]
    for tier, places in standing.tiers.items():
        lines.append(r"\midrule")
        if len(standing.tiers) > 1:
            lines.append(rf"\multicolumn{{5}}{{l}}{{{_tex(TIER_HEADS[tier])}}} \\")
        for place in places:
            rank = "--" if place.rank is None else place.rank
            ends = f"[{', '.join(map(in_digits, place.interval))}]" if place.interval else ""
            model = f"{_tex(place.row.name)} & {place.row.status}"
            lines.append(rf"{rank} & {model} & {in_digits(place.value)} & {ends} \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def as_bibtex(cards: Iterable[ModelCard]) -> str:
    """Return one entry a model with a DOI; models without one are named in a comment."""
    entries = []
    for card in cards:
        if not card.doi:
            entries.append(f"% {card.name}: no DOI is known\n")
            continue
        fields = {
            "author": " and ".join(map(_tex, card.authors)),
            "title": f"{{{_tex(card.title)}}}",
            "year": str(card.year),
            "doi": card.doi,
            "url": f"https://doi.org/{card.doi}",
        }
        body = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
        entries.append(f"@misc{{{_key(card)},\n{body}\n}}\n")
    return "\n".join(entries)


def _key(card: ModelCard) -> str:
    surname = unicodedata.normalize("NFKD", card.authors[0].split()[-1])
    plain = surname.encode("ascii", "ignore").decode()
    return re.sub(r"\W", "", f"{plain}{card.year}{card.name}")


def _tex(text: str) -> str:
    return "".join(_TEX.get(letter, letter) for letter in _one_line(text))


def _one_line(text: str) -> str:
    return " ".join(visible(text).split())


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
        "tau": [(board.entry_at(point) or {"tau_alpha": None})["tau_alpha"] for point in points],
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
                "title": f"{board.task.title}, {board.dataset}",
                "axes": [_axis(axis, axis_unit(axis)) for axis in board.task.axes],
                "metrics": [_metric(m) for m in board.metrics if m.average == "configuration"],
                "models": [_model(place.row) for place in standing.places],
            }
            for board, standing in boards
            if board.rows
        ],
    }
    return as_script("index", plain)


def _metric(metric: MetricSpecification) -> dict[str, Any]:
    return {"name": metric.name, "title": metric.title, "higher": metric.higher_is_better}


def _axis(axis: Axis, unit: str) -> dict[str, str]:
    return {"name": axis.name, "symbol": printed(axis.symbol), "unit": unit}


def _model(row: Row) -> dict[str, str]:
    return {"name": row.name, "title": row.title, "status": row.status, "record": row.entry.name}


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
