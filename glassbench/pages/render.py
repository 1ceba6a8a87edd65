"""Templates of the pages, with the filters that they use."""

from __future__ import annotations

from functools import cache
from typing import Any

import jinja2

from ..contract.units import printed
from ..home.content import content_folder
from . import words
from .markdown import render_markdown


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(content_folder("leaderboard") / "templates"),
        autoescape=True,
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
        "duration": words.duration,
        "size": words.size,
        "day": words.day,
        "unit": printed,
        "safe_name": words.safe_name,
        "breakable": words.breakable,
        "sub": words.with_subscripts,
        "markdown": render_markdown,
    }
    return environment


def render(template: str, **context: Any) -> str:
    """Return a page. Every value is escaped unless it is `Markup`."""
    return _environment().get_template(template).render(**context)
