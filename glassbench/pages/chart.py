"""Line charts as SVG, for pages that draw without scripts: home, badges, published curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from .styles import style_of
from .words import number

LEFT, TOP, BOTTOM = 44, 24, 40
LINE_HEIGHT = 13
# Marks about the origin.
SHAPES = {
    "circle": "M-3.6 0a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0 -7.2 0Z",
    "square": "M-3.3-3.3H3.3V3.3H-3.3Z", "triangle": "M0-4.6L4 2.6H-4Z",
    "diamond": "M0-5L3.4 0L0 5L-3.4 0Z",
    "star": "M0-5L1.2-1.6L4.8-1.5L1.9.6L2.9 4L0 2L-2.9 4L-1.9.6L-4.8-1.5L-1.2-1.6Z",
    "wye": "M-1.3-5H1.3V-.7L4.8 1.4L3.5 3.6L0 1.5L-3.5 3.6L-4.8 1.4L-1.3-.7Z",
    "cross": "M-4.3-1.4H-1.4V-4.3H1.4V-1.4H4.3V1.4H1.4V4.3H-1.4V1.4H-4.3Z",
}  # fmt: skip
TIME_LABEL = Markup("time t / τ<tspan dy='3' font-size='9'>α</tspan>")


@dataclass(frozen=True)
class Line:
    """One curve: points (x, y) in order, and its name, written at its end in its colour."""

    name: str
    points: Sequence[tuple[float, float]]
    reported: bool = False
    floor: bool = False
    href: str = ""
    style: tuple[str, str] | None = None  # that of its name where None


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
    beyond = 30 + round(6.4 * max(len(_words(line)) for line in lines))
    first, last = scale(min(known)), scale(max(known))
    first, last = (first - 0.5, last + 0.5) if first == last else (first, last)

    def across(x: float) -> float:
        return round(
            LEFT + 8 + (width - LEFT - beyond - 16) * (scale(x) - first) / (last - first), 1
        )

    def down(y: float) -> float:
        share = (y - y_ends[0]) / (y_ends[1] - y_ends[0])
        return round(height - BOTTOM - (height - TOP - BOTTOM) * min(1.0, max(0.0, share)), 1)

    # What holds links is no picture to a screen reader.
    role = "group" if any(line.href for line in lines) else "img"
    right, base = width - beyond, height - BOTTOM
    parts = [
        f'<svg class="chart" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="{role}" aria-label="{escape(label)}" xmlns="http://www.w3.org/2000/svg" '
        'font-family="system-ui, sans-serif" font-size="12" fill="currentColor">'
    ]
    if ceiling:
        edge = [(LEFT, down(ceiling[0][1])), *((across(x), down(y)) for x, y in ceiling)]
        edge.append((right, edge[-1][1]))
        path = "L".join(f"{x} {y}" for x, y in edge)
        parts.append(f'<path d="M{path}V{TOP}H{LEFT}Z" fill-opacity=".13"/>')
        parts.append(
            f'<text x="{LEFT + 6}" y="{TOP + 12}" font-size="11">above the noise ceiling</text>'
        )
    for k in range(6):
        value = y_ends[0] + (y_ends[1] - y_ends[0]) * k / 5
        y = down(value)
        parts.append(f'<path d="M{LEFT} {y}H{right}" stroke="currentColor" stroke-opacity=".15"/>')
        parts.append(_text(LEFT - 6, y + 4, f"{value:.2g}", "end"))
    taken = -math.inf
    ticks = x_ticks or {x: number(float(f"{x:.2g}")) for x, _ in lines[0].points}
    for x, words in sorted(ticks.items()):
        if not first <= scale(x) <= last:
            continue
        at = across(x)
        parts.append(f'<path d="M{at} {base}v5" stroke="currentColor"/>')
        if at - taken > 7 * len(words) + 4:
            parts.append(
                f'<text x="{at}" y="{base + 17}" text-anchor="middle">{escape(words)}</text>'
            )
            taken = at
    parts.append(f'<path d="M{LEFT} {base}H{right}" stroke="currentColor"/>')
    parts.append(
        f'<text x="{(LEFT + right) / 2}" y="{height - 5}" text-anchor="middle">{x_label}</text>'
    )
    parts.append(f'<text x="{LEFT - 34}" y="{TOP - 6}">{y_label}</text>')
    names: list[tuple[float, str]] = []
    for line in lines:
        if not line.points:
            continue
        colour, symbol = ("currentColor", "") if line.floor else line.style or style_of(line.name)
        dash = ' stroke-dasharray="5 4" stroke-opacity=".65"' if line.floor else ""
        dash = ' stroke-dasharray="1 4" stroke-linecap="round"' if line.reported else dash
        path = "L".join(f"{across(x)} {down(y)}" for x, y in line.points)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        fill = "var(--surface, #fff)" if line.reported else colour
        for x, y in line.points if symbol else ():
            parts.append(
                f'<path d="{SHAPES[symbol]}" transform="translate({across(x)} {down(y)})" '
                f'fill="{fill}" stroke="{colour}" stroke-width="1.3"/>'
            )
        names.append((down(line.points[-1][1]), _name(_words(line), colour, line.href)))
    bottom = -math.inf
    for y, words in sorted(names):
        bottom = max(y, bottom + LINE_HEIGHT)
        parts.append(f'<g transform="translate({right + 6} {bottom + 4})">{words}</g>')
    return Markup("".join([*parts, "</svg>"]))


def _words(line: Line) -> str:
    return f"{line.name} (published)" if line.reported else line.name


def _name(text: str, colour: str, href: str) -> str:
    # The colour alone says nothing: the name stands in the colour of text beside its mark.
    words = f'<path d="M0-4h10" stroke="{colour}" stroke-width="3"/>{_text(14, 0, text)}'
    return f'<a href="{escape(href)}">{words}</a>' if href else words


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'


def badge(left: str, right: str, colour: str) -> str:
    """Return a flat badge of two fields as SVG, for a README."""
    ends = [round(6.6 * len(text) + 14) for text in (left, right)]
    width = sum(ends)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" '
        f'aria-label="{escape(left)}: {escape(right)}" font-family="DejaVu Sans, sans-serif" '
        f'font-size="11" fill="#fff"><title>{escape(left)}: {escape(right)}</title>'
        f'<rect width="{width}" height="20" rx="3" fill="{colour}"/>'
        f'<path d="M3 0H{ends[0]}V20H3a3 3 0 0 1-3-3V3a3 3 0 0 1 3-3Z" fill="#444c55"/>'
        f'<text x="7" y="14" textLength="{ends[0] - 14}">{escape(left)}</text>'
        f'<text x="{ends[0] + 7}" y="14" textLength="{ends[1] - 14}">{escape(right)}</text></svg>\n'
    )
