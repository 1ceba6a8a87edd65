"""What one check of a model or a record came to, in one line that a user can act on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .text import printable

MARKS = {True: "ok    ", False: "FAILED", None: "not checked"}
LONGEST = 2000


@dataclass(frozen=True)
class CheckResult:
    """Outcome of one check; its texts may quote a stranger's and are cleaned.

    Attributes
    ----------
    passed : None where it could not be checked
    message : what is wrong and how to mend it, or what was checked
    where : file and line, such as `model.toml:7`, or empty
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
    """Return the result of a check that found nothing wrong."""
    return CheckResult(name, True, message)


def failed(name: str, message: str, where: str = "") -> CheckResult:
    """Return the result of a check that found something to mend."""
    return CheckResult(name, False, message, where)


def all_passed(results: Sequence[CheckResult]) -> bool:
    """Return whether nothing failed and everything could be checked."""
    return all(result.passed for result in results)
