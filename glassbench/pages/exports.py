"""A board as files: CSV, JSON, LaTeX and BibTeX; the page's script exports what it shows alike."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from ..model_card import ModelCard
from .boards import Board, published_by_model
from .standing import Standing

COLUMNS = (
    "status", "rank", "model", "metric", "value", "low", "high", "ceiling",
    "record", "protocol_version", "dataset", "dataset_digest", "source",
)  # fmt: skip
_TEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "–": "--", "α": r"$\alpha$", "τ": r"$\tau$", "−": "-",
}  # fmt: skip


def long_table(board: Board, standing: Standing) -> list[dict[str, Any]]:
    """Return every number of a board, one a row: measured, verified and reported apart."""
    ranks = {place.row.name: place.rank for place in standing.places}
    rows = []
    for place in standing.places:
        for point in board.points:
            for metric in board.metrics:
                score = place.row.value(metric.name, point)
                if score is not None:
                    rows.append(_measured(board, place.row, point, metric.name, score, ranks))
    for metric in board.metrics:
        for name, numbers in published_by_model(board, metric.name).items():
            for point, number in numbers.items():
                rows.append(
                    {column: None for column in COLUMNS}
                    | {"status": "reported", "model": name, "metric": metric.name}
                    | {"value": number.value, "dataset": board.dataset, "source": number.source}
                    | {"protocol_version": board.protocol_version}
                    | board.condition(point)
                )
    return rows


def _measured(board: Board, row, point, metric: str, score, ranks) -> dict[str, Any]:
    ceiling = row.conditions[point]["ceiling"].get(metric)
    low, high = score["interval"] or (None, None)
    return {
        "status": row.status,
        "rank": ranks[row.name],
        "model": row.name,
        "metric": metric,
        "value": score["value"],
        "low": low,
        "high": high,
        "ceiling": None if ceiling is None else ceiling["value"],
        "record": row.entry.name,
        "protocol_version": board.protocol_version,
        "dataset": board.dataset,
        "dataset_digest": board.digest,
        "source": None,
    } | board.condition(point)


def as_csv(board: Board, rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the long table as CSV; numbers carry all their digits."""
    axes = [axis.name for axis in board.task.axes]
    columns = [*COLUMNS[:4], *axes, *COLUMNS[4:]]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value


def as_json(rows: Iterable[Mapping[str, Any]]) -> str:
    return json.dumps(list(rows), ensure_ascii=False, allow_nan=False, indent=0) + "\n"


def as_latex(board: Board, standing: Standing, decimals: int) -> str:
    """Return the ranked table for a paper that loads `booktabs`."""
    lines = [
        rf"% {_tex(board.task.title)}, dataset {_tex(board.dataset)} {_tex(board.digest[:23])}",
        r"\begin{tabular}{rllr@{\;}l}",
        r"\toprule",
        rf"Rank & Model & Status & \multicolumn{{2}}{{l}}{{{_tex(board.primary.title)}}} \\",
        r"\midrule",
    ]
    for place in standing.places:
        rank = "--" if place.rank is None else str(place.rank)
        value = "--" if place.value is None else f"{place.value:.{decimals}f}"
        ends = ""
        if place.interval:
            ends = f"[{place.interval[0]:.{decimals}f}, {place.interval[1]:.{decimals}f}]"
        name, status = _tex(place.row.name), place.row.status
        lines.append(rf"{rank} & {name} & {status} & {value} & {ends} \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def as_bibtex(cards: Iterable[ModelCard]) -> str:
    """Return one entry a model with a DOI; models without one are named in a comment."""
    entries = []
    for card in cards:
        if not card.doi:
            entries.append(f"% {_one_line(card.name)}: no DOI is known\n")
            continue
        fields = {
            "author": " and ".join(map(_tex, card.authors)),
            "title": f"{{{_tex(card.title)}}}",
            "year": str(card.year),
            "doi": _one_line(card.doi),
            "url": f"https://doi.org/{_one_line(card.doi)}",
        }
        body = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
        entries.append(f"@misc{{{_key(card)},\n{body}\n}}\n")
    return "\n".join(entries)


def _key(card: ModelCard) -> str:
    surname = card.authors[0].split()[-1]
    plain = unicodedata.normalize("NFKD", surname).encode("ascii", "ignore").decode()
    return re.sub(r"\W", "", f"{plain}{card.year}{card.name}")


def _tex(text: str) -> str:
    return "".join(_TEX.get(letter, letter) for letter in _one_line(text))


def _one_line(text: str) -> str:
    return " ".join(text.split())
