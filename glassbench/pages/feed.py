"""The changelog as an Atom feed (RFC 4287)."""

from __future__ import annotations

import uuid
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence

from .changes import Change

ATOM = "http://www.w3.org/2005/Atom"
NAMESPACE = uuid.UUID("b7a1f0de-5a0e-5e0b-9a9b-6d9f3a3f7c11")
FIRST = "1970-01-01T00:00:00+00:00"


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
    ElementTree.SubElement(_text(feed, "author", None), f"{{{ATOM}}}name").text = "GlassBench"
    _link(feed, f"{address}changes.html", "alternate")
    if address:
        _link(feed, f"{address}feed.xml", "self")
    for change in changes:
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
