"""The nearest right words to a wrong one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `: did you mean …? There are …`, to follow a message about a wrong word."""
    names = sorted(set(known))
    if not names:
        return ": there are none"
    near = get_close_matches(word.lower(), names, n=3, cutoff=0.5)
    question = f"did you mean {' or '.join(f'`{name}`' for name in near)}? " if near else ""
    return f": {question}There are {', '.join(names)}"
