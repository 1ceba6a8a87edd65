"""Colour and symbol of each model: the same on every page and in every figure."""

from __future__ import annotations

import zlib
from functools import cache

from .references import site_settings

# Each has a contrast of 3 : 1 at least with the light and with the dark background. Not all are
# apart for every eye, so that a symbol says the same again.
COLOURS = (
    "#1f7bc4", "#d55e00", "#0a8f66", "#c2579c", "#9a7400", "#2a93bd", "#7a8000",
    "#7f6fd1", "#a8623a", "#18908f", "#cf3c95", "#4c9430", "#cf444d", "#6c8095",
)  # fmt: skip
SYMBOLS = ("circle", "square", "triangle", "diamond", "star", "wye", "cross")


@cache
def style_of(name: str) -> tuple[str, str]:
    """Return colour and symbol of a model: by its place in `site.toml`, else by its name."""
    known = [str(model) for model in site_settings()["styles"]]
    index = known.index(name) if name in known else zlib.crc32(name.encode()) % 98
    symbol = (index + 3 * (index // len(SYMBOLS))) % len(SYMBOLS)
    return COLOURS[index % len(COLOURS)], SYMBOLS[symbol]
