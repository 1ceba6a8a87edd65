"""Line charts as SVG for pages that draw without scripts; colour and symbol of each model."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from markupsafe import Markup

from ..contract.task import plain_name
from .references import site_settings
from .render import render
from .words import number

# Each has a contrast of 3 : 1 at least with the light and with the dark background. Not all are
# apart for every eye, so that a symbol says the same again.
COLOURS = (
    "#1f7bc4", "#d55e00", "#0a8f66", "#c2579c", "#9a7400", "#2a93bd", "#7a8000",
    "#7f6fd1", "#a8623a", "#18908f", "#cf3c95", "#4c9430", "#cf444d", "#6c8095",
)  # fmt: skip
SYMBOLS = ("circle", "square", "triangle", "diamond", "star", "wye", "cross")
LEFT, TOP, BOTTOM = 44, 30, 40
LINE_HEIGHT = 13
TIME_LABEL = Markup("time t / τ<tspan dy='3' font-size='9'>α</tspan>")


def style_at(index: int) -> tuple[str, str]:
    """Return the colour and the symbol of the model, or the curve, of a number from 0."""
    symbol = (index + 3 * (index // len(SYMBOLS))) % len(SYMBOLS)
    return COLOURS[index % len(COLOURS)], SYMBOLS[symbol]


@cache
def style_of(name: str) -> tuple[str, str]:
    """Return colour and symbol of a model: by its place in `site.toml`, else by its name."""
    known = [plain_name(str(model)) for model in site_settings()["styles"]]
    plain = plain_name(name)
    return style_at(known.index(plain) if plain in known else zlib.crc32(name.encode()) % 98)


@dataclass(frozen=True)
class Line:
    """One curve: points (x, y) in order, and its name, written at its end in its colour."""

    name: str
    points: Sequence[tuple[float, float]]
    reported: bool = False
    floor: bool = False
    href: str = ""
    style: tuple[str, str] | None = None  # that of its name where None

    @property
    def words(self) -> str:
        return f"{self.name} (published)" if self.reported else self.name

    @property
    def colour(self) -> str:
        return "currentColor" if self.floor else (self.style or style_of(self.name))[0]

    @property
    def symbol(self) -> str:
        return (self.style or style_of(self.name))[1]


def line_chart(
    lines: Sequence[Line],
    *,
    x_label: str,
    y_label: str,
    label: str,
    x_ticks: Mapping[float, str] | None = None,
    logarithmic: bool = False,
    ceiling: Sequence[tuple[float, float]] = (),
    size: tuple[int, int] = (560, 330),
    y_ends: tuple[float, float] = (0.0, 1.0),
) -> Markup:
    """Return a chart as SVG that takes the text colour of its page.

    Lines with open marks are published; dashed grey ones are trivial floors; what lies above the
    `ceiling` is shaded. Names at the ends move apart where they would lie on each other.
    """
    width, height = size
    known = [x for line in lines for x, _ in line.points] + [x for x, _ in ceiling]
    if not known:
        return Markup("")
    scale = math.log10 if logarithmic else float
    # Room for the longest name at the end of a line.
    right = width - 30 - round(6.4 * max(len(line.words) for line in lines))
    base = height - BOTTOM
    first, last = scale(min(known)), scale(max(known))
    first, last = (first - 0.5, last + 0.5) if first == last else (first, last)

    def across(x: float) -> float:
        return round(LEFT + 8 + (right - LEFT - 16) * (scale(x) - first) / (last - first), 1)

    def down(y: float) -> float:
        share = (y - y_ends[0]) / (y_ends[1] - y_ends[0])
        return round(base - (base - TOP) * min(1.0, max(0.0, share)), 1)

    ticks, taken = [], -math.inf
    texts = x_ticks or {x: number(float(f"{x:.2g}")) for x, _ in lines[0].points}
    for x, text in sorted(texts.items()):
        if first <= scale(x) <= last:
            free = across(x) - taken > 7 * len(text) + 4
            taken = across(x) if free else taken
            ticks.append((across(x), text if free else ""))
    ends, bottom = [], -math.inf
    for line in sorted((k for k in lines if k.points), key=lambda k: down(k.points[-1][1])):
        bottom = max(down(line.points[-1][1]), bottom + LINE_HEIGHT)
        ends.append((bottom, line))
    svg = render(
        "chart.svg",
        lines=lines,
        ceiling=ceiling,
        ticks=ticks,
        ends=ends,
        width=width,
        height=height,
        left=LEFT,
        top=TOP,
        right=right,
        base=base,
        label=label,
        x_label=x_label,
        y_label=y_label,
        across=across,
        down=down,
        levels=[y_ends[0] + (y_ends[1] - y_ends[0]) * k / 5 for k in range(6)],
    )
    return Markup(svg)
