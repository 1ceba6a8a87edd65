"""The study that varies the number of training configurations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...contract.conditions import WordError
from ...contract.variation import Variation
from ..words import parse_count
from .declaration import Setting, StudyError, Subject

ALL = "all"


@dataclass(frozen=True)
class TrainingConfigurations:
    """The model is trained on so many configurations; `all` is the standard trial itself."""

    options: Mapping[str, str] = field(default_factory=dict)
    over: str = ""

    def settings(self, subject: Subject, values: Sequence[str]) -> list[Setting]:
        available = min(_configurations(subject, c) for c in subject.conditions)
        if not values:
            values = [*_doubling(available), ALL]
        counts = dict.fromkeys(_count(text, available, subject) for text in values)
        return [
            Setting(
                text=str(count),
                x=float(count),
                variation=Variation(training_configurations=None if count == available else count),
            )
            for count in counts
        ]


def _doubling(available: int) -> list[str]:
    counts = [1]
    while 2 * counts[-1] < available:
        counts.append(2 * counts[-1])
    return [str(count) for count in counts]


def _count(text: str, available: int, subject: Subject) -> int:
    if text == ALL:
        return available
    try:
        count = parse_count("values", text)
    except WordError as error:
        raise StudyError(str(error)) from None
    if count > available:
        raise StudyError(
            f"values: dataset {subject.dataset} has {available} training configurations, fewer "
            f"than {count}: give numbers up to {available}, or `{ALL}`"
        )
    return count


def _configurations(subject: Subject, condition) -> int:
    entries = subject.view.examples("train", (condition,)).entries
    return len({member.configuration for member, _ in entries})
