"""Numbers, conditions, dates and names as pages print them."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping

from markupsafe import Markup, escape

from ..contract.task import Axis, Task
from ..contract.units import printed

UNDEFINED = "–"
MINUS = "\N{MINUS SIGN}"
THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"
FEWEST_DECIMALS, MOST_DECIMALS, USUAL_DECIMALS = 2, 5, 3
SAFE_NAME_LENGTH = 96


def number(value: float | None) -> str:
    """Return a value on an axis: at most six significant digits."""
    if value is None or not math.isfinite(value):
        return UNDEFINED
    text = f"{value:.6g}"
    if "e" in text:
        mantissa, _, exponent = text.partition("e")
        power = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        text = f"10{power}" if mantissa == "1" else f"{mantissa}·10{power}"
    return text.replace("-", MINUS)


def condition_words(
    task: Task, condition: Mapping[str, float], axes: Iterable[str] | None = None
) -> str:
    """Return a condition, all axes or some, with symbols and units: `T = 0.64, t = 5.2 τ`."""
    chosen = {axis.name for axis in task.axes} if axes is None else set(axes)
    return ", ".join(
        f"{printed(axis.symbol)} = {number(condition[axis.name])} {axis_unit(axis)}".rstrip()
        for axis in task.axes
        if axis.name in chosen
    )


def axis_unit(axis: Axis) -> str:
    """Return the unit of an axis; none for a temperature in units of an energy."""
    return "" if "k_B" in axis.unit else printed(axis.unit)


def decimals_for(intervals: Iterable[tuple[float, float] | None]) -> int:
    """Return the decimals with which the typical interval shows two significant digits."""
    halves = sorted((high - low) / 2 for low, high in filter(None, intervals) if high > low)
    if not halves:
        return USUAL_DECIMALS
    wanted = 1 - math.floor(math.log10(halves[len(halves) // 2]))
    return min(MOST_DECIMALS, max(FEWEST_DECIMALS, wanted))


def score(value: float | None, decimals: int = USUAL_DECIMALS) -> str:
    """Return a score with a fixed number of decimals, or a dash where it is undefined."""
    if value is None or not math.isfinite(value):
        return UNDEFINED
    text = f"{value:.{decimals}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", MINUS)


def interval(ends: tuple[float, float] | None, decimals: int = USUAL_DECIMALS) -> str:
    return "" if ends is None else f"[{score(ends[0], decimals)}, {score(ends[1], decimals)}]"


def count(value: float | None) -> str:
    """Return a whole number with thin spaces between thousands."""
    if value is None:
        return UNDEFINED
    return f"{round(value):,}".replace(",", THIN_SPACE)


def duration(seconds: float | None) -> str:
    """Return a time span in the unit that suits it, with three significant digits at most."""
    if seconds is None:
        return UNDEFINED
    for size, name in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {name}"
    return f"{seconds:.3g} s" if seconds else "0 s"


def size(count_of_bytes: float) -> str:
    """Return an amount of memory in decimal units."""
    for factor, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count_of_bytes >= factor:
            return f"{count_of_bytes / factor:.3g} {name}"
    return f"{count_of_bytes:.0f} B"


def plural(number: int, word: str) -> str:
    """Return a number with what is counted: `1 seed`, `2 seeds`."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def safe_name(name: str) -> str:
    """Return a name that is safe as a file's and in an address, different for different names."""
    safe = re.sub(r"[^A-Za-z0-9_.+-]+", "_", name).lstrip(".")
    if safe == name and len(safe) <= SAFE_NAME_LENGTH:
        return safe
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{safe[:SAFE_NAME_LENGTH]}-{digest}"


def breakable(name: str) -> Markup:
    """Return a name that a narrow column may break after its underscores."""
    return Markup("_<wbr>").join(name.split("_"))


def with_subscripts(text: str) -> Markup:
    """Return a text in which `τ_α` and other symbols of one letter have real subscripts."""
    return Markup(re.sub(r"\b([^\W\d_])_(\w+)", r"\1<sub>\2</sub>", str(escape(text))))


def with_links(text: str) -> Markup:
    """Return a text in which every `doi:10.…` is a link."""
    linked = r'<a href="https://doi.org/\1">doi:\1</a>'
    return Markup(re.sub(r"doi:(10\.\d{4,9}/[\w.()/:-]*[\w)])", linked, str(escape(text))))
