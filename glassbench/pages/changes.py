"""What became new and when, from the records alone: the changelog and its Atom feed (RFC 4287)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from .boards import Board
from .render import render
from .sources import Entry
from .standing import Boards, Place
from .words import plural, score

NEWEST_IN_FEED = 50
NAMESPACE = uuid.UUID("b7a1f0de-5a0e-5e0b-9a9b-6d9f3a3f7c11")
FIRST = "1970-01-01T00:00:00+00:00"


def list_changes(boards: Boards) -> list[dict[str, str]]:
    """Return one change a record, newest first."""
    changes = []
    for board, standing in boards:
        for place in standing.places:
            entries = [place.row.entry, *place.row.earlier]
            entries.sort(key=lambda entry: (entry.record["created"], entry.name))
            changes += [
                _change(board, place, entry, "run again on" if k else "added to")
                for k, entry in enumerate(entries)
            ]
    return sorted(changes, key=lambda change: (change["created"], change["name"]), reverse=True)


def _change(board: Board, place: Place, entry: Entry, event: str) -> dict[str, str]:
    record = entry.record
    event = "verified on" if entry.signer else event
    summary = f"{entry.status}, {plural(len(record['conditions']), 'condition')}, "
    summary += plural(len(record["seeds"]), "seed")
    if entry is place.row.entry and place.value is not None:
        summary += f"; {board.primary.title}: {score(place.value)}"
    return {
        "name": entry.name,
        "id": uuid.uuid5(NAMESPACE, entry.name).urn,
        "created": record["created"],
        "page": f"record/{entry.name}.html",
        "title": f"{record['model']['title']} {event} {board.task.title} ({board.dataset})",
        "summary": summary,
    }


def atom_feed(changes: Sequence[dict[str, Any]], address: str = "") -> str:
    """Return the feed of the newest changes; links are relative without the address of the site."""
    return render(
        "feed.xml",
        id=uuid.uuid5(NAMESPACE, "feed").urn,
        updated=changes[0]["created"] if changes else FIRST,
        address=address,
        changes=changes[:NEWEST_IN_FEED],
    )
