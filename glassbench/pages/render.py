"""Templates: where they lie, and the words that they may use."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from ..home.content import content_folder
from . import words
from .markdown import render_markdown


def templates_folder() -> Path:
    return content_folder("leaderboard") / "templates"


def static_folder() -> Path:
    return content_folder("leaderboard") / "static"


@cache
def _environment(folder: Path) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
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
        "unit": words.unit,
        "safe_name": words.safe_name,
        "breakable": words.breakable,
        "markdown": render_markdown,
    }
    return environment


def render(template: str, **context: Any) -> str:
    """Return a page. Every value is escaped unless it is `Markup`."""
    return _environment(templates_folder()).get_template(template).render(**context)


def style_digest() -> str:
    """Return the sha256 over templates, static files and the code that makes pages of records."""
    digest = hashlib.sha256()
    for folder in (templates_folder(), static_folder(), Path(__file__).parent):
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc"):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()
