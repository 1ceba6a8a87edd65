"""The page of a record: every number, where it comes from, and what explains its errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from ..contract.model_card import ModelCard
from ..contract.task import Task
from ..experiments.tuning.outcome import tuning_words
from ..metrics import MetricSpecification
from .boards import Board, point_of
from .command_line import reproduce
from .shared import hardware_words, signature_of
from .sources import MOST_FULL_CONDITIONS, Entry
from .words import condition_words, decimals_for, interval, score, unit


def record_context(entry: Entry, board: Board, card: ModelCard | None) -> dict[str, Any]:
    """Return what the template of a record's page shows."""
    record, task = entry.shown_record(), board.task
    specifications = {m.name: m for m in board.metrics}
    named = {n for c in record["conditions"] for n in c["scores"]}
    primary = record["task"]["primary_metric"]
    names = [primary, *sorted(named - {primary})]
    metrics = [(n, specifications[n].title if n in specifications else n) for n in names]
    scores = [c["scores"].get(primary) or {} for c in record["conditions"]]
    few = len(record["conditions"]) <= MOST_FULL_CONDITIONS
    decimals = decimals_for(s.get("interval") for s in scores)
    conditions = [_condition(board, c, primary) for c in record["conditions"]]
    shown = metrics if few else metrics[:1]
    return {
        "entry": entry,
        "record": record,
        "board": board,
        "card": card,
        "changed": card is not None and card.digest != record["model"]["digest"],
        "metrics": shown,
        "score_rows": score_rows(conditions, shown, decimals),
        "decimals": decimals,
        "conditions": conditions,
        "few": few,
        "commands": reproduce(record, task, card),
        "hardware": hardware_words(record),
        "signature": signature_of(record),
        "tuning": tuning_words(record["tuning"]) if "tuning" in record else None,
        "failed": [
            {**f, "words": condition_words(task, f["condition"]) if f["condition"] else "all"}
            for f in record["failed"]
        ],
        "predictions": [
            {**p, "words": condition_words(task, p["condition"])}
            for p in record["predictions"]
            if few
        ],
        "explanation": _explanation(entry, task, specifications.get(primary)),
    }


def _condition(board: Board, condition: Mapping[str, Any], primary: str) -> dict[str, Any]:
    score = condition["scores"][primary]
    ceiling = (condition["ceiling"].get(primary) or {}).get("value")
    share = score["value"] / ceiling if ceiling and score["value"] is not None else None
    return {
        **condition,
        "words": board.words(point_of(board.task, condition["condition"])),
        "ceiling_value": ceiling,
        "share": share,
    }


def score_rows(
    conditions: Sequence[Mapping[str, Any]], metrics: Sequence[tuple[str, str]], decimals: int
) -> Markup:
    """Return the rows of the table of scores, made here since a board may have many thousands."""
    rows = []
    for c in conditions:
        cells = [_scored(c["scores"].get(name), decimals) for name, _ in metrics]
        above = c["above_floor"]
        difference = "–"
        if above and above["difference"] is not None:
            plus = "+" if above["difference"] > 0 else ""
            ends = interval(above["interval"], decimals)
            difference = f"{plus}{score(above['difference'], decimals)} {_small(ends)}"
        cells += [score(c["ceiling_value"], decimals), score(c["share"], 2)]
        rows.append(
            f'<tr><th scope="row">{escape(c["words"])}</th>'
            + "".join(f'<td class="num">{cell}</td>' for cell in cells)
            + f"<td>{escape(above['floor']) if above else '–'}</td>"
            + f'<td class="num">{difference}</td></tr>'
        )
    return Markup("\n".join(rows))


def _scored(found: Mapping[str, Any] | None, decimals: int) -> str:
    if found is None:
        return "–"
    return f"{score(found['value'], decimals)} {_small(interval(found['interval'], decimals))}"


def _small(ends: str) -> str:
    return f'<span class="ends">{ends}</span>' if ends else ""


def _explanation(
    entry: Entry, task: Task, metric: MetricSpecification | None
) -> dict[str, Any] | None:
    found = entry.whole_explanation()
    if found is None:
        return None
    return {
        "seed": found["seed"],
        "conditions": [
            {
                **condition,
                "words": condition_words(task, condition["condition"]),
                "unit": unit(condition["unit"]),
                "errors": [_errors(table) for table in condition["errors"]],
            }
            for condition in found["conditions"]
        ],
        "learning_curve": [
            {**curve, "words": condition_words(task, curve["condition"]),
             "verdict": verdict(curve["points"], metric)}
            for curve in found["learning_curve"]
        ],
        "maps": [
            {"words": condition_words(task, m["condition"]), "configuration": m["configuration"]}
            for m in found["maps"]
        ],
        "extremes": found.get("extremes", []),
    }  # fmt: skip


def _errors(table: Mapping[str, Any]) -> dict[str, Any]:
    largest = max((g["mean_absolute_error"] for g in table["groups"]), default=0) or 1.0
    groups = [
        {**group, "width": round(100 * group["mean_absolute_error"] / largest)}
        for group in table["groups"]
    ]
    return {**table, "groups": groups, "unit": unit(table["unit"])}


def drawn_parts(entry: Entry, board: Board) -> dict[str, Any]:
    """Return what the scripts of a record's page draw: parity, maps, structures, extremes."""
    found = entry.whole_explanation() or {}

    def told(part: Mapping[str, Any]) -> dict[str, Any]:
        words = board.words(point_of(board.task, part["condition"]))
        return {**part, "words": words, "unit": unit(part["unit"])}

    return {
        "conditions": [
            told({name: c[name] for name in ("condition", "unit", "parity")})
            for c in found["conditions"]
        ],
        "maps": [told(part) for part in found["maps"]],
        "extremes": [told(part) for part in found.get("extremes", [])],
        "structures": [{**one, "unit": unit(one["unit"])} for one in found["structures"]],
    }


def verdict(points: Sequence[Mapping[str, Any]], metric: MetricSpecification | None) -> str:
    """Say whether more training configurations would help, from the last doubling of the curve."""
    known = [p for p in points if p["value"] is not None]
    if metric is None or len(known) < 2:
        return "too few points to tell"
    before, last = known[-2], known[-1]
    gain = last["value"] - before["value"]
    gain = gain if metric.higher_is_better else -gain
    step = f"from {before['configurations']} to {last['configurations']} configurations"
    if last["difference"] is None:
        return f"the score changed by {gain:+.3f} {step}; no interval is known"
    low, high = last["difference"] if metric.higher_is_better else (
        -last["difference"][1], -last["difference"][0]
    )  # fmt: skip
    ends = f"{gain:+.3f} [{low:+.3f}, {high:+.3f}] {step}"
    if low > 0:
        return f"more data still help: {ends}"
    if high < 0:
        return f"the last configurations did harm: {ends}"
    return f"the last step made no significant difference: {ends}"
