"""What one check came to, in one line that a user can act on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .errors import printable

MARKS = {True: "ok    ", False: "FAILED", None: "not checked"}
LONGEST = 2000
OK, ABSENT, DOUBTFUL, BROKEN = "ok", "absent", "doubtful", "broken"


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
            object.__setattr__(self, name, printable(getattr(self, name), LONGEST))

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
