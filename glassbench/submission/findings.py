"""What a check found, in plain words with the place to mend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MARKS = {True: "ok    ", False: "FAILED", None: "not checked"}


@dataclass(frozen=True)
class Finding:
    """What one check found.

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

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{MARKS[self.passed]}  {self.name}: {place}{self.message}"


def all_passed(findings: Sequence[Finding]) -> bool:
    """Return whether nothing failed and everything could be checked."""
    return all(finding.passed for finding in findings)
