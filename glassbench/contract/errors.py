"""The errors that a user can mend, shown as their message alone, and what makes it readable."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

LONGEST = 400
# Control characters, line ends, and marks that reorder or hide what follows them.
UNPRINTABLE = re.compile("[^\x20-\x7e\u00a0-\u1fff\u2010-\u2027\u2030-\u205f\u2070-\ud7ff]+")


class UserError(ValueError):
    """What was asked for cannot be done; the message says why and what to do instead."""


class ClusterError(UserError):
    """A cluster cannot be reached or used; the message names its address and the next step."""


class TaskError(UserError):
    """A `task.toml` breaks the contract; the message names file, key and limit."""


class ModelCardError(UserError):
    """A `model.toml` breaks the contract; the message names file, key and limit."""


class HyperparameterError(UserError):
    """A hyperparameter does not exist, or has a value of the wrong type."""


class WordError(UserError):
    """A word of the command line is wrong; the message names it, and what is possible."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `: did you mean …? There are …`, to follow a message about a wrong word."""
    names = sorted(set(known))
    if not names:
        return ": there are none"
    near = get_close_matches(word.lower(), names, n=3, cutoff=0.5)
    question = f"did you mean {' or '.join(f'`{name}`' for name in near)}? " if near else ""
    return f": {question}There are {', '.join(names)}"


def printable(text: object, longest: int = LONGEST) -> str:
    """Return a stranger's text on one line, without control characters, cut to a length."""
    plain = UNPRINTABLE.sub(" ", str(text)).rstrip()
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"
