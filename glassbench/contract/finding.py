"""What a check found, in words that say what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

OK, ABSENT, DOUBTFUL, BROKEN = "ok", "absent", "doubtful", "broken"


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes
    ----------
    state : `ok`, `absent` (something optional is not there), `doubtful` (runs work, and lose
        time or comparability) or `broken` (runs will fail)
    remedy : what to do, empty where nothing is to be done
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
