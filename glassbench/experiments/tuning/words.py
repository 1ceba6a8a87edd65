"""How much tuning a record had, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SCHEDULED = {
    "asha": "early stopping by ASHA",
    "pbt": "population-based training",
    "none": "no early stopping",
}


def tuning_words(tuning: Mapping[str, Any]) -> str:
    """Return in one line what the field `tuning` of a record says."""
    parts = [
        f"{tuning['trials']} trials ({_counts(tuning)})",
        f"{tuning['search']} search, {SCHEDULED.get(tuning['scheduler'], tuning['scheduler'])}",
        f"{tuning['metric']} on validation {_score(tuning['validation_score'])}",
        _seconds(tuning),
        f"study {tuning['study'][:12]}",
    ]
    if tuning["changed"]:
        parts.append(f"changed since: {', '.join(tuning['changed'])}")
    return "; ".join(parts)


def _counts(tuning: Mapping[str, Any]) -> str:
    words = {"finished": "finished", "stopped": "stopped early", "failed": "failed"}
    return ", ".join(f"{tuning[key]} {word}" for key, word in words.items() if tuning[key]) or "–"


def _score(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def _seconds(tuning: Mapping[str, Any]) -> str:
    gpu = f", {tuning['gpu_seconds']:.0f} GPU s" if tuning["gpu_seconds"] else ""
    return f"{tuning['wall_seconds']:.0f} s, {tuning['cpu_seconds']:.0f} CPU s{gpu}"
