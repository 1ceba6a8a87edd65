"""A board as files: CSV, JSON, LaTeX and BibTeX; the page's script exports what it shows alike."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from ..model_card import ModelCard
from .boards import Board, published_by_model
from .standing import Standing

BEFORE_AXES = ("status", "rank", "model", "metric")
AFTER_AXES = (
    "value", "low", "high", "ceiling", "record", "protocol_version", "dataset",
    "dataset_digest", "source",
)  # fmt: skip
_TEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "–": "--", "α": r"$\alpha$", "τ": r"$\tau$", "−": "-",
}  # fmt: skip


def long_table(board: Board, standing: Standing) -> tuple[list[str], list[list[Any]]]:
    """Return names of columns, and every number of a board in the primary metric, one a row.

    Measured and verified numbers come first, then reported ones, each with its status.
    """
    metric = board.primary.name
    columns = [*BEFORE_AXES, *(axis.name for axis in board.task.axes), *AFTER_AXES]
    same = [board.protocol_version, board.dataset, board.digest or None]
    rows: list[list[Any]] = []
    for place in standing.places:
        row = place.row
        before = [row.status, place.rank, row.name, metric]
        after = [row.entry.name, *same, None]
        for point in board.points:
            entry = row.conditions.get(point)
            if entry is None:
                continue
            score, ceiling = entry["scores"][metric], entry["ceiling"].get(metric)
            low, high = score["interval"] or (None, None)
            limit = None if ceiling is None else ceiling["value"]
            rows.append([*before, *point, score["value"], low, high, limit, *after])
    for name, numbers in published_by_model(board, metric).items():
        for point, number in numbers.items():
            before = ["reported", None, name, metric]
            after = [None, None, None, None, *same, number.source]
            rows.append([*before, *point, number.value, *after])
    return columns, rows


def as_csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return the long table as CSV; numbers carry all their digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value


def as_json(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return the long table as a list of objects, one a line."""
    lines = (
        json.dumps(dict(zip(columns, row)), ensure_ascii=False, allow_nan=False) for row in rows
    )
    return "[" + ",\n".join(lines) + "]\n"


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
