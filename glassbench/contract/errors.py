"""Errors that a user can mend and results of checks: their message, and what makes it readable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

LONGEST = 400
# Control characters, line ends, private and lone surrogate codes, and marks that reorder or hide
# what follows them, or are not seen at all.
HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u070f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff]+"
)
# What the log of a continuous integration takes for a command.
COMMAND = re.compile(r"^\s*:(?=:)|##(?=\[)")
JSON_SPACE = (b"\0\n", b"\0\r", b"\0\t")
MARKS = {True: "ok    ", False: "FAILED", None: "not checked"}
LONGEST_RESULT = 2000
OK, ABSENT, DOUBTFUL, BROKEN = "ok", "absent", "doubtful", "broken"


class UserError(ValueError):
    """What was asked for cannot be done; the message says why and what to do instead."""


class ClusterError(UserError):
    """A cluster cannot be reached or used; the message names its address and the next step."""


class HyperparameterError(UserError):
    """A hyperparameter does not exist, or has a value of the wrong type."""


class DatasetError(UserError):
    """A dataset lacks what was asked for, or cannot be read; the message says what to do."""


class SourceError(UserError):
    """A file of a published dataset is not what its format says; the message names both."""


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


def visible(text: str) -> str:
    """Return a stranger's text on one line: nothing in it moves a cursor, reorders or is unseen.

    Whatever leaves for a terminal, a log or a page goes through here, JSON through `escaped`.
    """
    return HIDDEN.sub(" ", text)


def printable(text: object, longest: int = LONGEST) -> str:
    """Return a visible text that is no command to the log of a build, cut to a length."""
    plain = COMMAND.sub(r"\g<0> ", visible(str(text))).rstrip()
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"


def escaped(document: str) -> str:
    """Return a JSON document in which hidden characters stand as `\\u…`; white space stays."""

    def codes(hidden: re.Match[str]) -> str:
        units = hidden[0].encode("utf-16-be", "surrogatepass")
        pairs = (units[k : k + 2] for k in range(0, len(units), 2))
        return "".join(chr(p[1]) if p in JSON_SPACE else f"\\u{p.hex()}" for p in pairs)

    return HIDDEN.sub(codes, document)


@dataclass(frozen=True)
class CheckResult:
    """Outcome of one check of a model or a record; texts of strangers are cleaned.

    `passed` is None where it could not be checked; `where` is file and line, or empty.
    """

    name: str
    passed: bool | None
    message: str
    where: str = ""

    def __post_init__(self) -> None:
        for name in ("name", "message", "where"):
            object.__setattr__(self, name, printable(getattr(self, name), LONGEST_RESULT))

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        return f"{MARKS[self.passed]}  {self.name}: {where}{self.message}"


def passed(name: str, message: str) -> CheckResult:
    return CheckResult(name, True, message)


def failed(name: str, message: str, where: str = "") -> CheckResult:
    return CheckResult(name, False, message, where)


def all_passed(results: Sequence[CheckResult]) -> bool:
    """Return whether nothing failed and everything could be checked."""
    return all(result.passed for result in results)


@dataclass(frozen=True)
class Finding:
    """What one check of a machine or a cluster found, and what to do about it.

    Its state is `ok`, `absent` (something optional is not there), `doubtful` (runs work, and
    lose time or comparability) or `broken` (runs will fail).
    """

    check: str
    state: str
    detail: str
    remedy: str = ""

    @property
    def words(self) -> str:
        """Return state, detail and remedy as one line."""
        state = "" if self.state == OK else f"{self.state.upper()}: "
        return f"{state}{self.detail}{'. ' if self.remedy else ''}{self.remedy}"
