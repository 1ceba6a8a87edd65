"""Names of models that could be taken for each other."""

from __future__ import annotations

from collections.abc import Iterable

# Letters and digits that look alike in some typeface; separators are not seen at all.
ALIKE = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", "_": "", "-": "", ".": ""})


def imitated(name: str, others: Iterable[str]) -> str:
    """Return the first of other names that a reader could take a name for, or nothing."""
    own = _seen(name)
    return next((other for other in others if other != name and _seen(other) == own), "")


def _seen(name: str) -> str:
    return name.casefold().translate(ALIKE).replace("rn", "m").replace("vv", "w")
