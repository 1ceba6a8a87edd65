"""The errors of the sandbox."""

from __future__ import annotations

import re

from ...contract.errors import UserError

LONGEST = 400


class SandboxError(UserError):
    """A wall cannot be raised, or what came out of a cell is not to be trusted."""


def printable(text: object, longest: int = LONGEST) -> str:
    """Return a stranger's text without control characters, on one line, cut to a length."""
    plain = re.sub(r"[^\x20-\x7e\u00a0-\u2027\u2030-\ud7ff]+", " ", str(text)).strip()
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"
