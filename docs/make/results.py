"""Write docs/results.md from the records of the leaderboard: no number on it is typed by hand.

python docs/make/results.py            # writes the page
python docs/make/results.py --check    # says whether the page is up to date
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from glassbench.plugins.registry import list_tasks, load_task

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "results.md"
RECORDS = ROOT / "leaderboard" / "records"
READS = {
    "thermal": "structure",
    "inherent": "inherent structure",
    "cage": "cage positions",
    "dynamics": "short dynamics",
}
HEAD = """\
# Results on the embedded data

This page is made from the records in `leaderboard/records` by `python docs/make/results.py`. The
leaderboard (`glassbench leaderboard serve`) shows the same records with ranks, curves, costs and
a page for every model.

Each number is the mean of the primary metric over the test configurations, with the 95 % interval
of a cluster bootstrap over independent samples; fewer than five samples get no interval. The
conditions are those by which the leaderboard ranks, which shows the others too; models are ordered
by their mean over them. "Floor" marks the trivial models of the task. The embedded datasets are
much smaller than those of the papers, so that networks, which some models
of the papers are, stand below what was published.
"""


def records() -> dict[tuple[str, str, int], list[dict[str, Any]]]:
    """Return the records by task, dataset and protocol version."""
    groups = defaultdict(list)
    for path in sorted(RECORDS.glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        version = record["task"]["protocol_version"]
        record["conditions"] = ranked(record)
        groups[record["task"]["name"], record["dataset"]["name"], version].append(record)
    return groups


def ranked(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the entries of the conditions that the board ranks by, all where it has none."""
    task = load_task(record["task"]["name"])
    default = task.default_values(record["dataset"]["name"])
    entries = [
        entry
        for entry in record["conditions"]
        if all(entry["condition"][axis] in values for axis, values in default.items())
    ]
    return entries or record["conditions"]


def with_interval(entry: dict[str, Any], samples: int) -> str:
    """Return a value with its interval, which fewer than five samples do not have."""
    if entry["value"] is None:
        return "undefined"
    text = f"{entry['value']:.3f}"
    if entry.get("interval") and samples >= 5:
        low, high = entry["interval"]
        text += f" [{low:.3f}, {high:.3f}]"
    return text


def samples_of(entry: dict[str, Any]) -> int:
    return len(set(entry["parents"]))


def best_first(task, group: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return records by the mean of the primary metric over their conditions."""
    metric = task.primary_metric

    def mean_score(record: dict[str, Any]) -> float:
        values = [entry["scores"][metric.name]["value"] for entry in record["conditions"]]
        return sum(value or 0.0 for value in values) / len(values)

    return sorted(group, key=mean_score, reverse=metric.higher_is_better)


def condition_title(task, condition: dict[str, float]) -> str:
    """Return a condition in the symbols of the task, axes of a single value left out."""
    return ", ".join(f"{task.axis(name).symbol} = {value:g}" for name, value in condition.items())


def score_table(task, group: list[dict[str, Any]]) -> list[str]:
    """Return the table of the primary metric: a row a model, a column a condition."""
    metric = group[0]["task"]["primary_metric"]
    conditions: list[dict[str, float]] = []
    ceilings: dict[str, float | None] = {}
    for record in group:
        for entry in record["conditions"]:
            if entry["condition"] not in conditions:
                conditions.append(entry["condition"])
                ceiling = entry["ceiling"].get(metric, {})
                ceilings[json.dumps(entry["condition"])] = ceiling.get("value")
    titles = [condition_title(task, condition) for condition in conditions]
    lines = [
        "| model | reads | " + " | ".join(titles) + " | CPU seconds |",
        "| --- | --- |" + " --- |" * len(titles) + " ---: |",
    ]
    ends = [ceilings[json.dumps(condition)] for condition in conditions]
    shown = " | ".join("" if end is None else f"{end:.3f}" for end in ends)
    lines.append(f"| highest value that the data allow | | {shown} | |")
    for record in best_first(task, group):
        entries = {json.dumps(entry["condition"]): entry for entry in record["conditions"]}
        cells = []
        for condition in conditions:
            entry = entries.get(json.dumps(condition))
            cells.append(
                "" if entry is None else with_interval(entry["scores"][metric], samples_of(entry))
            )
        name = record["model"]["name"]
        label = f"`{name}`, floor" if name in task.floors else f"`{name}`"
        reads = ", ".join(READS[tier] for tier in record["model"]["reads"])
        cost = record["cost"]["cpu_seconds"]
        lines.append(f"| {label} | {reads} | {' | '.join(cells)} | {cost:.0f} |")
    return lines


def transfer_table(task, group: list[dict[str, Any]]) -> list[str]:
    """Return what the models score at conditions that they were not fitted at."""
    metric = group[0]["task"]["primary_metric"]
    rows = []
    for record in best_first(task, group):
        for entry in record["conditions"]:
            for other in (entry.get("transfer") or {}).get("conditions", ()):
                means = other["means"]
                rows.append(
                    f"| `{record['model']['name']}` | {condition_title(task, entry['condition'])} "
                    f"| {condition_title(task, other['condition'])} | {samples_of(other)} "
                    f"| {with_interval(other['scores'][metric], samples_of(other))} "
                    f"| {means['prediction']:.3f} | {means['target']:.3f} |"
                )
    if not rows:
        return []
    return [
        "",
        "Fitted at one condition and tested at another:",
        "",
        "| model | fitted at | tested at | samples | primary metric | mean prediction "
        "| mean target |",
        "| --- | --- | --- | ---: | --- | ---: | ---: |",
        *rows,
    ]


def rotation_table(task, group: list[dict[str, Any]]) -> list[str]:
    """Return how the predictions change where the structure is turned against the load."""
    rows = [
        f"| `{record['model']['name']}` | {condition_title(task, entry['condition'])} "
        f"| {with_interval(entry['rotation_probe'], samples_of(entry))} |"
        for record in best_first(task, group)
        for entry in record["conditions"]
        if abs((entry.get("rotation_probe") or {}).get("value") or 0.0) > 1e-6
    ]
    if not rows:
        return []
    return [
        "",
        "Rotating the structure against the load: P(0°) + P(180°) − P(90°) − P(270°) of the "
        "particles that rearrange (Fan & Ma, 2021, Fig. 4). Models that do not see the load have "
        "zero and are left out:",
        "",
        "| model | condition | difference |",
        "| --- | --- | --- |",
        *rows,
    ]


def page() -> str:
    lines = [HEAD]
    order = [task.name for task in list_tasks() if not task.error]
    groups = records()
    for name, dataset, version in sorted(groups, key=lambda key: (order.index(key[0]), *key[1:])):
        task, group = load_task(name), groups[name, dataset, version]
        metric = task.primary_metric
        title = metric["title"] if isinstance(metric, dict) else metric.title
        lines += [
            f"## {task.title}: `{name}`, dataset `{dataset}`",
            "",
            f"{title}; protocol version {version}. `glassbench sweep task={name} "
            f"dataset={dataset} model=all` runs all of it.",
            "",
            *score_table(task, group),
            *transfer_table(task, group),
            *rotation_table(task, group),
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    text = page()
    if "--check" in sys.argv:
        current = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        sys.exit(0 if current == text else f"{PAGE} is not up to date: python {sys.argv[0]}")
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
