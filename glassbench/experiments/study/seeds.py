"""The study that fits one model several times with different seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .declaration import Setting, StudyError, Subject


@dataclass(frozen=True)
class Seeds:
    """Nothing but the seed varies; the figure goes along the last axis of the task."""

    options: Mapping[str, str] = field(default_factory=dict)
    over: str = ""

    def settings(self, subject: Subject, values: Sequence[str]) -> list[Setting]:
        if values:
            raise StudyError("this study varies the seed: give `seed=0..4` in place of `values=`")
        return [Setting("", 0.0)]
