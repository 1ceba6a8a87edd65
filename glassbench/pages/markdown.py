"""Cards written in Markdown as HTML, without any HTML of strangers."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

LARGEST = 200_000


def render_markdown(text: str) -> Markup:
    """Return Markdown as HTML: raw HTML is escaped, images elsewhere become links, those in
    other files are left out, links to other files become text.

    The first heading is dropped, since the page has its own; the others move down a level.
    """
    tokens = _parser().parse(text)
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        tokens = tokens[3:]
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 1)}"
        if token.type == "table_open":
            token.attrSet("class", "plain")
        if token.type == "fence":
            token.attrSet("tabindex", "0")
        if token.children:
            token.children = _without_inner_links(token.children)
    return Markup(_parser().renderer.render(tokens, _parser().options, {}))


def _without_inner_links(children: list[Token]) -> list[Token]:
    """Return inline tokens with links to other files as bare text, since these are not pages.

    Images in other files are left out.
    """
    kept: list[Token] = []
    inner: list[bool] = []
    picture = False
    for child in children:
        if child.type == "link_open":
            inner.append(not str(child.attrGet("href")).startswith(("https://", "http://")))
            before = kept[-1] if kept else None
            picture = False
            if before is not None and inner[-1] and before.content.endswith("!"):
                picture, before.content = True, before.content[:-1]
        if not picture and (child.type not in ("link_open", "link_close") or not inner[-1]):
            kept.append(child)
        if child.type == "link_close":
            inner.pop()
            picture = False
    return kept


def render_file(path: Path) -> Markup:
    """Return a Markdown file as HTML, nothing where there is none or it is too long."""
    if not path.is_file() or path.stat().st_size > LARGEST:
        return Markup("")
    return render_markdown(path.read_text(encoding="utf-8", errors="replace"))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
