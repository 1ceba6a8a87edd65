"""What became new and when, from the records alone: the changelog and Atom feeds (RFC 4287)."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Sequence
from typing import Any

from .boards import Board
from .render import render
from .sources import Entry
from .standing import Boards, Place, Standing
from .words import plural, score

NEWEST_IN_FEED = 50
NAMESPACE = uuid.UUID("b7a1f0de-5a0e-5e0b-9a9b-6d9f3a3f7c11")
FIRST = "1970-01-01T00:00:00+00:00"


def list_changes(boards: Boards) -> list[dict[str, str]]:
    """Return one change a board and day, newest first: what came, and who leads since."""
    changes = [change for board, standing in boards for change in _of_board(board, standing)]
    return sorted(changes, key=lambda change: (change["created"], change["id"]), reverse=True)


def _of_board(board: Board, standing: Standing) -> list[dict[str, str]]:
    entries = [
        (entry, place)
        for place in standing.places
        for entry in (place.row.entry, *place.row.earlier)
    ]
    entries.sort(key=lambda one: (one[0].record["created"], one[0].name))
    changes, seen, leader = [], set[str](), ""
    for day, group in itertools.groupby(entries, key=lambda one: one[0].record["created"][:10]):
        of_day = list(group)
        names = list(dict.fromkeys(place.row.name for _, place in of_day))
        new = [name for name in names if name not in seen]
        first = not seen
        seen |= set(names)
        best = next(
            (p for p in standing.places if p.row.name in seen and p.value is not None), None
        )
        changes.append(
            {
                "board": board.name,
                "id": uuid.uuid5(NAMESPACE, f"{board.name} {day}").urn,
                "created": max(entry.record["created"] for entry, _ in of_day),
                "page": f"task/{board.name}.html",
                "title": _title(board, new, first, of_day),
                "summary": _summary(board, new, of_day, best, leader),
            }
        )
        leader = best.row.name if best else leader
    return changes


def _title(board: Board, new: list[str], first: bool, of_day: Sequence[tuple[Entry, Place]]) -> str:
    where = f"{board.task.title} ({board.label})"
    if first:
        version = f"dataset {board.label}, protocol version {board.protocol_version}"
        return f"New board: {board.task.title}, {version}"
    if any(entry.signer for entry, _ in of_day):
        return f"{plural(sum(bool(e.signer) for e, _ in of_day), 'record')} verified on {where}"
    return f"{plural(len(new), 'model')} added to {where}" if new else f"Run again on {where}"


def _summary(
    board: Board,
    new: list[str],
    of_day: Sequence[tuple[Entry, Place]],
    best: Place | None,
    leader: str,
) -> str:
    again = sorted({place.row.name for _, place in of_day} - set(new))
    parts = [f"new: {', '.join(sorted(new))}"] if new else []
    parts += [f"run again: {', '.join(again)}"] if again else []
    if best is not None and best.row.name != leader:
        value = f"{board.primary.title} {score(best.value)}"
        parts.append(f"{'new ' if leader else ''}highest place: {best.row.name}, {value}")
    return "; ".join(parts)


def atom_feed(changes: Sequence[dict[str, Any]], address: str = "", board: str = "") -> str:
    """Return the feed of the newest changes, of one board or of all.

    Links are relative without the address of the site.
    """
    chosen = [change for change in changes if board in ("", change["board"])]
    return render(
        "feed.xml",
        id=uuid.uuid5(NAMESPACE, f"feed {board}".strip()).urn,
        updated=chosen[0]["created"] if chosen else FIRST,
        address=address,
        file=f"feed/{board}.xml" if board else "feed.xml",
        changes=chosen[:NEWEST_IN_FEED],
    )
