"""Plain text in columns, folded into blocks where the terminal is narrow."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass

GAP = "  "
NARROWEST, WIDEST, PIPED = 40, 160, 120


@dataclass(frozen=True)
class Column:
    """A column: its title and cells; numbers stand to the right."""

    title: str
    cells: Sequence[str]
    right: bool = False

    @property
    def width(self) -> int:
        return max(map(len, (self.title, *self.cells)))

    def lines(self) -> list[str]:
        place = str.rjust if self.right else str.ljust
        return [place(text, self.width) for text in (self.title, *self.cells)]


def terminal_width() -> int:
    """Return the columns of the terminal, or 120 where the output is no terminal."""
    if not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        return PIPED
    return min(max(shutil.get_terminal_size((PIPED, 24)).columns, NARROWEST), WIDEST)


def in_columns(columns: Sequence[Column], width: int, keys: int = 1) -> list[str]:
    """Return lines no wider than `width`, where the columns allow it.

    Columns that do not fit go to a block below, which repeats the first `keys`
    columns, so that each line still says what it is about.
    """
    blocks: list[list[Column]] = [list(columns[:keys])]
    for column in columns[keys:]:
        taken = sum(c.width + len(GAP) for c in blocks[-1])
        if taken + column.width > width and len(blocks[-1]) > keys:
            blocks.append(list(columns[:keys]))
        blocks[-1].append(column)
    lines: list[str] = []
    for block in blocks:
        if lines:
            lines.append("")
        rows = zip(*(column.lines() for column in block), strict=True)
        lines.extend(GAP.join(row).rstrip() for row in rows)
    return lines


def in_pairs(pairs: Sequence[tuple[str, str]], indent: str = "") -> list[str]:
    """Return `name  value` lines with the values below each other."""
    width = max((len(name) for name, _ in pairs), default=0)
    return [f"{indent}{name.ljust(width)}{GAP}{value}".rstrip() for name, value in pairs]
