"""Numbers that may be undefined: `None` where a file or a table would hold NaN or infinity."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..metrics.bootstrap import Interval


def finite(value: float | None) -> float | None:
    """Return the value, None where it is not a finite number."""
    return None if value is None or not math.isfinite(value) else float(value)


def finite_ends(interval: Interval) -> list[float] | None:
    """Return low and high end of one interval, None where either is not finite."""
    ends = [float(interval.low), float(interval.high)]
    return ends if all(map(math.isfinite, ends)) else None
