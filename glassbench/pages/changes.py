"""What became new and when, from the records alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .boards import Board
from .sources import Entry
from .standing import Place, Standing
from .words import score

NEWEST_IN_FEED = 50


@dataclass(frozen=True)
class Change:
    """A record that came to a board.

    Attributes
    ----------
    created : ISO 8601
    page : address of the record's page
    kind : `first` record of this model on the board, `again`, or `verified`
    """

    name: str
    created: str
    page: str
    kind: str
    model: str
    board: str
    title: str
    summary: str


def list_changes(boards: Iterable[tuple[Board, Standing]]) -> list[Change]:
    """Return one change a record, newest first."""
    changes = []
    for board, standing in boards:
        for place in standing.places:
            oldest_first = sorted(
                [place.row.entry, *place.row.earlier], key=lambda e: (e.record["created"], e.name)
            )
            for index, entry in enumerate(oldest_first):
                kind = "again" if index else "first"
                changes.append(_change(board, place, entry, kind))
    return sorted(changes, key=lambda c: (c.created, c.name), reverse=True)


def _change(board: Board, place: Place, entry: Entry, kind: str) -> Change:
    record = entry.record
    model = record["model"]["name"]
    kind = "verified" if record["status"] == "verified" else kind
    words = {"first": "new on", "again": "run again on", "verified": "verified on"}[kind]
    summary = f"{record['status']}, {_plural(len(record['conditions']), 'condition')}, "
    summary += _plural(len(record["seeds"]), "seed")
    if entry is place.row.entry and place.value is not None:
        summary += f"; {board.primary.title}: {score(place.value)}"
    return Change(
        name=entry.name,
        created=record["created"],
        page=f"record/{entry.name}.html",
        kind=kind,
        model=model,
        board=board.name,
        title=f"{record['model']['title']} {words} {board.task.title}, {board.dataset}",
        summary=summary,
    )


def _plural(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
