"""Text of strangers, made safe for a terminal and for the log of a workflow."""

from __future__ import annotations

import re

LONGEST = 400
# Control characters, line ends, and marks that reorder or hide what follows them.
UNPRINTABLE = re.compile("[^\x20-\x7e\u00a0-\u1fff\u2010-\u2027\u2030-\u205f\u2070-\ud7ff]+")


def printable(text: object, longest: int = LONGEST) -> str:
    """Return text on one line, without control characters, cut to a length."""
    plain = UNPRINTABLE.sub(" ", str(text)).rstrip()
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"
