"""Templates: where they lie, and the words that they may use."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from ..content import content_folder
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
        "markdown": render_markdown,
        "script_json": script_json,
    }
    return environment


def render(template: str, **context: Any) -> str:
    """Return a page. Every value is escaped unless it is `Markup`."""
    return _environment(templates_folder()).get_template(template).render(**context)


def script_json(plain: Any) -> Markup:
    """Return JSON that may stand inside a script element, whatever text it holds."""
    text = json.dumps(plain, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)


def style_digest() -> str:
    """Return the sha256 over templates and static files, on which every page depends."""
    digest = hashlib.sha256()
    for folder in (templates_folder(), static_folder()):
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()
