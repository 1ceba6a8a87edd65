"""Templates of the pages with their filters, and Markdown without any HTML of strangers."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup, escape

from ..contract.errors import visible
from ..contract.units import printed
from ..home.workspace import content_folder
from . import words

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

LARGEST = 200_000
ELSEWHERE = ("https://", "http://")


def render(template: str, **context: Any) -> str:
    """Return a page. Every value is escaped unless it is `Markup`."""
    return _environment().get_template(template).render(**context)


def _shown(value: Any) -> Any:
    """Return what a template puts out with every character visible; markup keeps its lines."""
    if isinstance(value, Markup):
        return Markup("\n".join(map(visible, value.split("\n"))))
    return visible(value) if isinstance(value, str) else value


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(content_folder("leaderboard") / "templates"),
        autoescape=True,
        finalize=_shown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "score": words.score,
        "interval": words.interval,
        "number": words.number,
        "count": words.count,
        "plural": words.plural,
        "duration": words.duration,
        "size": words.size,
        "unit": printed,
        "safe_name": words.safe_name,
        "breakable": words.breakable,
        "sub": words.with_subscripts,
        "linked": words.with_links,
        "markdown": render_markdown,
    }
    return environment


def render_file(path: Path) -> Markup:
    """Return a Markdown file as HTML, nothing where there is none or it is too long."""
    if not path.is_file() or path.stat().st_size > LARGEST:
        return Markup("")
    return render_markdown(path.read_text(encoding="utf-8", errors="replace"))


@cache
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
        if token.type in ("th_open", "td_open") and "style" in token.attrs:
            # Pages allow no inline styles.
            del token.attrs["style"]
            token.attrSet("class", "num")
        # What scrolls on a narrow screen is reached by keyboard, too.
        if token.type in ("fence", "code_block", "table_open"):
            token.attrSet("tabindex", "0")
    return Markup(_parser().renderer.render(tokens, _parser().options, {}))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    def image(renderer, tokens, index, options, env) -> str:
        address, alt = str(tokens[index].attrGet("src")), tokens[index].content
        if not address.startswith(ELSEWHERE):
            return ""
        return f'<a href="{escape(address)}">{escape(alt)}</a>'

    def link(renderer, tokens, index, options, env) -> str:
        opening = next(t for t in tokens[index::-1] if t.type == "link_open")
        elsewhere = str(opening.attrGet("href")).startswith(ELSEWHERE)
        return renderer.renderToken(tokens, index, options, env) if elsewhere else ""

    def text(renderer, tokens, index, options, env) -> str:
        return str(words.with_subscripts(tokens[index].content))

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.add_render_rule("text", text)
    for name, rule in (("image", image), ("link_open", link), ("link_close", link)):
        parser.add_render_rule(name, rule)
    return parser
