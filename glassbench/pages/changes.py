"""What became new and when, from the records alone: the changelog and its Atom feed (RFC 4287)."""

from __future__ import annotations

import uuid
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .boards import Board
from .sources import Entry
from .standing import Place, Standing
from .words import score

NEWEST_IN_FEED = 50
ATOM = "http://www.w3.org/2005/Atom"
NAMESPACE = uuid.UUID("b7a1f0de-5a0e-5e0b-9a9b-6d9f3a3f7c11")
FIRST = "1970-01-01T00:00:00+00:00"
EVENTS = {"first": "added to", "again": "run again on", "verified": "verified on"}


@dataclass(frozen=True)
class Change:
    """A record that came to a board.

    Attributes
    ----------
    created : ISO 8601
    page : address of the record's page
    """

    name: str
    created: str
    page: str
    title: str
    summary: str


def list_changes(boards: Iterable[tuple[Board, Standing]]) -> list[Change]:
    """Return one change a record, newest first."""
    changes = []
    for board, standing in boards:
        for place in standing.places:
            entries = [place.row.entry, *place.row.earlier]
            entries.sort(key=lambda entry: (entry.record["created"], entry.name))
            changes += [
                _change(board, place, entry, "again" if k else "first")
                for k, entry in enumerate(entries)
            ]
    return sorted(changes, key=lambda change: (change.created, change.name), reverse=True)


def _change(board: Board, place: Place, entry: Entry, event: str) -> Change:
    record = entry.record
    event = "verified" if record["status"] == "verified" else event
    summary = f"{record['status']}, {_plural(len(record['conditions']), 'condition')}, "
    summary += _plural(len(record["seeds"]), "seed")
    if entry is place.row.entry and place.value is not None:
        summary += f"; {board.primary.title}: {score(place.value)}"
    return Change(
        name=entry.name,
        created=record["created"],
        page=f"record/{entry.name}.html",
        title=f"{record['model']['title']} {EVENTS[event]} {board.task.title} ({board.dataset})",
        summary=summary,
    )


def _plural(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def atom_feed(changes: Sequence[Change], address: str = "") -> str:
    """Return the feed of the newest changes.

    Parameters
    ----------
    address : where the site will lie, with a slash at the end; links are relative without it
    """
    ElementTree.register_namespace("", ATOM)
    feed = ElementTree.Element(f"{{{ATOM}}}feed")
    _text(feed, "title", "GlassBench: new results")
    _text(feed, "id", uuid.uuid5(NAMESPACE, "feed").urn)
    _text(feed, "updated", changes[0].created if changes else FIRST)
    _text(_text(feed, "author", None), "name", "GlassBench")
    _link(feed, f"{address}changes.html", "alternate")
    if address:
        _link(feed, f"{address}feed.xml", "self")
    for change in changes[:NEWEST_IN_FEED]:
        entry = _text(feed, "entry", None)
        _text(entry, "title", change.title)
        _text(entry, "id", uuid.uuid5(NAMESPACE, change.name).urn)
        _text(entry, "updated", change.created)
        _link(entry, f"{address}{change.page}", "alternate")
        _text(entry, "summary", change.summary)
    ElementTree.indent(feed)
    text = ElementTree.tostring(feed, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def _text(parent: ElementTree.Element, name: str, text: str | None) -> ElementTree.Element:
    child = ElementTree.SubElement(parent, f"{{{ATOM}}}{name}")
    child.text = text
    return child


def _link(parent: ElementTree.Element, href: str, relation: str) -> None:
    ElementTree.SubElement(parent, f"{{{ATOM}}}link", {"rel": relation, "href": href})
