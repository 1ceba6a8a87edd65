"""What several pages show alike: range bars, facts of a record, links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from ..record.file import Record
from .boards import Board
from .standing import Standing

BAR_WIDTH = 120  # as in site.css
STATUS_WORDS = {
    "reported": "taken from a publication, not run here",
    "measured": "run with GlassBench by whoever handed it in",
    "verified": "run again by a maintainer in the sandbox",
}
TIERS = {
    "thermal": "thermal positions",
    "inherent": "inherent structure",
    "cage": "cage-averaged positions",
    "dynamics": "short-time dynamics",
}
TIER_HEADS = {
    "thermal": "Models of the thermal positions alone",
    "inherent": "Models that also read the inherent structure",
    "cage": "Models that also read cage-averaged positions",
    "dynamics": "Models that also read short-time dynamics",
}


def scale_of(board: Board, standing: Standing) -> tuple[float, float]:
    """Return the ends of the range bars of a board: 0 to 1, or a little beyond what occurs."""
    values = [
        end
        for place in standing.places
        for end in (place.value, *(place.interval or ()))
        if end is not None
    ]
    values += [v for v in (standing.ceiling, standing.floor) if v is not None]
    if not values or (min(values) >= 0 and max(values) <= 1 and board.primary.higher_is_better):
        return 0.0, 1.0
    low, high = min(0.0, *values), max(values)
    return low, high + 0.05 * (high - low or 1.0)


def bar_backdrop(scale: tuple[float, float], ceiling: float | None, floor: float | None) -> Markup:
    """Return what all range bars of a table share: the track, the shaded ceiling, the floor."""
    parts = [f'<path class="bar-track" d="M2 8H{BAR_WIDTH - 2}"/>']
    if ceiling is not None:
        left = _along(ceiling, scale)
        width = round(BAR_WIDTH - 2 - left, 1)
        parts.append(f'<rect class="bar-above" x="{left}" y="2" width="{width}" height="12"/>')
    if floor is not None:
        parts.append(f'<path class="bar-floor" d="M{_along(floor, scale)} 2V14"/>')
    return Markup(
        f'<svg class="backdrop" aria-hidden="true"><symbol id="bar">{"".join(parts)}</symbol></svg>'
    )


def range_bar(
    value: float | None, ends: tuple[float, float] | None, scale: tuple[float, float]
) -> Markup:
    """Return a small drawing of a score and its interval on the table's backdrop.

    It repeats what stands in words beside it, so that screen readers pass over it.
    """
    if value is None:
        return Markup("")
    parts = ['<use href="#bar"/>']
    if ends is not None:
        parts.append(f'<path d="M{_along(ends[0], scale)} 8H{_along(ends[1], scale)}"/>')
    parts.append(f'<circle cx="{_along(value, scale)}" cy="8" r="3.5"/>')
    return Markup(f'<svg class="bar" aria-hidden="true">{"".join(parts)}</svg>')


def _along(number: float, scale: tuple[float, float]) -> float:
    share = (number - scale[0]) / (scale[1] - scale[0])
    return round(2 + (BAR_WIDTH - 4) * min(1.0, max(0.0, share)), 1)


def hardware_words(record: Record) -> list[str]:
    """Return on what the trials of a record ran, each machine once."""
    found = []
    for environment in record["provenance"]["environments"]:
        hardware = environment["hardware"]
        gpus = ", ".join(dict.fromkeys(hardware["gpus"]))
        cores = "" if hardware["cores"] is None else f", {hardware['cores']} cores"
        found.append(f"{hardware['cpu']}{cores}" + (f"; GPU {gpus}" if gpus else "; no GPU"))
    return list(dict.fromkeys(found))


def signature_of(record: Mapping[str, Any]) -> str:
    """Return in words who vouches for the record.

    Pages show what the record says; `glassbench record verify` checks it.
    """
    verification = record.get("verification")
    if not verification:
        return "not signed"
    again = {"weights": "predicted again", "retrain": "trained again"}[verification["mode"]]
    return f"signed by {verification['by']}, {again}, {verification['labels']} labels"
