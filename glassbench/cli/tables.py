"""Tables in plain text: columns, the table at the end of a run, that of all runs."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.conditions import FEWEST_ORDERED
from ..contract.units import SYMBOLS
from ..experiments.tuning.study import tuning_words

if TYPE_CHECKING:
    from ..contract.task import Task
    from ..metrics import MetricSpecification
    from ..record.record import Record
    from ..tracking.delivery import Delivered

GAP = "  "
NARROWEST, WIDEST, PIPED = 40, 160, 120
UNDEFINED = "undefined"
ABSENT = "-"
PATHS_SHOWN = 6
AXES_SHOWN = 2

Plain = Mapping[str, Any]
# A title, with `>` at its end where numbers stand to the right, and the cells below it.
Column = tuple[str, Sequence[str]]


def terminal_width() -> int:
    if not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        return PIPED
    return min(max(shutil.get_terminal_size((PIPED, 24)).columns, NARROWEST), WIDEST)


def in_columns(columns: Sequence[Column], width: int, keys: int = 1) -> list[str]:
    """Return lines no wider than `width`, where the columns allow it.

    Columns that do not fit go to a block below, which repeats the first `keys`
    columns, so that each line still says what it is about.
    """
    padded = []
    for title, cells in columns:
        place = str.rjust if title.endswith(">") else str.ljust
        texts = [title.rstrip(">"), *cells]
        longest = max(map(len, texts))
        padded.append([place(text, longest) for text in texts])
    blocks = [padded[:keys]]
    for column in padded[keys:]:
        taken = sum(len(c[0]) + len(GAP) for c in blocks[-1])
        if taken + len(column[0]) > width and len(blocks[-1]) > keys:
            blocks.append(padded[:keys])
        blocks[-1].append(column)
    in_blocks = [[GAP.join(row).rstrip() for row in zip(*b, strict=True)] for b in blocks]
    return "\n\n".join("\n".join(lines) for lines in in_blocks).split("\n")


def in_table(titles: Sequence[str], rows: Sequence[Sequence[str]], keys: int = 1) -> list[str]:
    """Return rows under titles, as wide as the terminal."""
    cells = list(zip(*rows, strict=True)) or [()] * len(titles)
    return in_columns(list(zip(titles, cells, strict=True)), terminal_width(), keys)


def in_pairs(pairs: Sequence[tuple[str, str]], indent: str = "") -> list[str]:
    """Return `name  value` lines with the values below each other."""
    width = max((len(name) for name, _ in pairs), default=0)
    return [f"{indent}{name.ljust(width)}{GAP}{value}".rstrip() for name, value in pairs]


def result_table(record: Plain | Record, primary: MetricSpecification, width: int) -> list[str]:
    """Return the scores of a record by its primary metric, one line per condition."""
    metric, better = primary.name, primary.higher_is_better
    conditions = record["conditions"]
    axes = list(dict.fromkeys(axis for c in conditions for axis in c["condition"]))
    # Many axes leave no room for the scores: those of one value stand above.
    alike = [a for a in axes if len({c["condition"].get(a) for c in conditions}) == 1]
    shared = [a for a in alike if a != axes[-1]] if len(axes) > AXES_SHOWN else []
    above = [" ".join(f"{a}={_general(conditions[0]['condition'][a])}" for a in shared)]
    axes = [axis for axis in axes if axis not in shared]
    columns: list[Column] = [
        (f"{SYMBOLS.get(a, a)}>", [_general(c["condition"].get(a)) for c in conditions])
        for a in axes
    ]
    if "time" in axes:
        taus = [(c["condition"]["time"], c.get("tau_alpha")) for c in conditions]
        columns.append(("t/tau_alpha>", [_general(t / tau if tau else None) for t, tau in taus]))
    scores = [score_words(c["scores"].get(metric), c["parents"]) for c in conditions]
    columns += [
        (f"{primary.title} [95 %]", scores),
        ("ceiling>", [number(_ceiling(c, metric)) for c in conditions]),
        ("score/ceiling>", [_share(c, metric) for c in conditions]),
        ("best floor", [_best_floor(c, better) for c in conditions]),
        ("above floor", [above_floor(c) for c in conditions]),
    ]
    if any(c.get("reported") for c in conditions):
        name = record.get("model", {}).get("name", "")
        columns.append(("published", [_published(c, name, better) for c in conditions]))
    lines = [*filter(None, above), *in_columns(columns, width, keys=len(axes))]
    return lines + [
        f"{condition_words(c['condition'])}: {sum(missing)} of {len(missing)} configurations have "
        "no score: their predictions or labels do not vary"
        for c in conditions
        if (missing := _undefined(c["scores"].get(metric)))
    ]


def summary_lines(record: Plain | Record) -> list[str]:
    task, model, dataset = record["task"], record["model"], record["dataset"]
    seeds = ",".join(map(str, record["seeds"]))
    size = f", {model['parameters']} parameters" if model.get("parameters") else ""
    digest = dataset["digest"].removeprefix("sha256:")[:12]
    tuned = [("tuning", tuning_words(record["tuning"]))] if "tuning" in record else []
    elsewhere = [c["trained_at"] for c in record["conditions"] if "trained_at" in c]
    there = ", ".join(dict.fromkeys(map(condition_words, elsewhere)))
    trained = [("trained", f"at {there}, not where it was tested")] if there else []
    return in_pairs(
        [
            ("task", task_words(task)),
            ("dataset", f"{dataset['name']} ({digest}){whole_words(dataset.get('whole'))}"),
            ("model", f"{model['name']}{size}, seed {seeds}"),
            *tuned,
            *trained,
            ("cost", _cost(record.get("cost") or {})),
        ]
    )


def task_words(task: Plain) -> str:
    """Return the task of a record, with its target where that is not the task's own."""
    target = f", target {task['target']}" if task.get("target") else ""
    return f"{task['name']}{target}, protocol {task['protocol_version']}"


def whole_words(whole: Sequence[int] | None) -> str:
    """Return how much of a dataset is there, where files of it were left out; else nothing."""
    return f", {whole[0]} of {whole[1]} configurations: files were left out" if whole else ""


def place_lines(
    record_path: Path | None,
    tracking: Delivered | None,
    predictions: Sequence[Path],
    figures: Sequence[Path] = (),
) -> list[str]:
    pairs = []
    if tracking:
        where = f"{tracking.run_id or ABSENT} at {tracking.uri}"
        if not tracking.delivered:
            where += f" (not delivered yet: {tracking.message})"
        pairs.append(("run", where))
    if record_path:
        pairs.append(("record", str(record_path)))
    for name, paths in (("predictions", predictions), ("figures", figures)):
        shown = [str(path) for path in paths[:PATHS_SHOWN]]
        if len(paths) > PATHS_SHOWN:
            shown.append(f"and {len(paths) - PATHS_SHOWN} more, all named in the record")
        pairs += [(name if index == 0 else "", text) for index, text in enumerate(shown)]
    return in_pairs(pairs)


def transfer_table(record: Plain | Record, task: Task, width: int) -> list[str]:
    """Return one line for each condition at which a fit was tested, none where none was.

    A task with a mean error among its metrics has it there too, and the rank correlation of
    mean prediction with mean target over the conditions below, of four or more.
    """
    metrics = [task.primary_metric, *(m for m in task.metrics if m.function == "mean_error")]
    rows, orders = [], []
    for entry in record["conditions"]:
        if "transfer" not in entry:
            continue
        own, elsewhere = entry["condition"], entry["transfer"]["conditions"]
        rows += [(own, own, entry)]
        rows += [(own, other["condition"], other) for other in elsewhere]
        orders.append((own, 1 + len(elsewhere), entry["transfer"]["rank_order"]))
    if not rows:
        return []
    columns: list[Column] = [
        ("trained at", [condition_words(own) for own, _, _ in rows]),
        ("tested at", [condition_words(other) for _, other, _ in rows]),
    ]
    for metric in metrics:
        cells = [score_words(c["scores"].get(metric.name), c["parents"]) for _, _, c in rows]
        columns.append((f"{metric.title} [95 %]", cells))
    lines = in_columns(columns, width, keys=2)
    if len(metrics) > 1:
        lines += [
            f"trained at {condition_words(own)}: rank correlation of mean prediction with mean "
            f"{task.target} over {count} conditions: {'undefined' if rank is None else f'{rank:g}'}"
            for own, count, rank in orders
            if count >= FEWEST_ORDERED
        ]
    return lines


def runs_table(records: Sequence[tuple[Path, Record]], width: int) -> list[str]:
    """Return one line for each condition of each record, the newest record last.

    A task or a dataset that all records share stands above the table.
    """
    rows: list[dict[str, str]] = []
    for _, record in sorted(records, key=lambda item: item[1]["created"]):
        metric = record["task"]["primary_metric"]
        of_record = {
            "created": record["created"][:16].replace("T", " "),
            "model": record["model"]["name"],
            "task": " ".join(filter(None, (record["task"]["name"], record["task"].get("target")))),
            "dataset": record["dataset"]["name"],
        }
        tuning = f"{record['tuning']['trials']} trials" if "tuning" in record else ABSENT
        for condition in record["conditions"]:
            there = condition.get("trained_at")
            trained = f", trained at {condition_words(there)}" if there else ""
            of_condition = {
                "condition": condition_words(condition["condition"]) + trained,
                "seed": ",".join(map(str, record["seeds"])),
                "tuning": tuning,
                "score [95 %]": score_words(condition["scores"].get(metric), condition["parents"]),
                "ceiling": number(_ceiling(condition, metric)),
                "above floor": above_floor(condition),
            }
            rows.append(of_record | of_condition)
    shared = [name for name in ("task", "dataset") if len({row[name] for row in rows}) == 1]
    if all(row["tuning"] == ABSENT for row in rows):
        shared.append("tuning")
    names = [name for name in (rows[0] if rows else ()) if name not in shared]
    columns = [(name, [row[name] for row in rows]) for name in names]
    above = in_pairs([(name, rows[0][name]) for name in shared if name != "tuning"])
    return [*above, *([""] if above else []), *in_columns(columns, width, keys=2)]


def above_floor(condition: Plain) -> str:
    """Return whether the interval of the difference to the best floor lies above zero."""
    comparison = condition.get("above_floor")
    if not comparison:
        return ABSENT
    if comparison.get("interval") is None or comparison.get("difference") is None:
        return UNDEFINED
    if few := _few(condition.get("parents")):
        return few
    low, high = comparison["interval"]
    return "yes" if low > 0 else "no" if high < 0 else "not significant"


def score_words(score: Plain | None, parents: Sequence[str] | None = None) -> str:
    """Return a score with its interval, or how few samples it is of; one of nobody is absent."""
    if score is None or score["value"] is None:
        return ABSENT if score is None else UNDEFINED
    interval = score.get("interval")
    low_high = f"{interval[0]:.3f}, {interval[1]:.3f}" if interval else UNDEFINED
    return f"{score['value']:.3f} [{_few(parents) or low_high}]"


def _few(parents: Sequence[str] | None) -> str:
    """Return the number of independent samples where it is too small for an interval."""
    from ..metrics.bootstrap import FEWEST_FOR_INTERVAL

    samples = len(set(parents or ()))
    return f"{samples} samples" if 0 < samples < FEWEST_FOR_INTERVAL else ""


def _undefined(score: Plain | None) -> list[bool]:
    """Return, of a score without a value, which configurations have none; else nothing."""
    if score is None or score["value"] is not None:
        return []
    return [value is None for value in score["seeds"][0]["by_configuration"]]


def _ceiling(condition: Plain, metric: str) -> float | None:
    entry = (condition.get("ceiling") or {}).get(metric)
    return entry["value"] if entry else None


def _share(condition: Plain, metric: str) -> str:
    """Return score / ceiling; a ceiling of zero or below is none."""
    entry, ceiling = condition["scores"].get(metric), _ceiling(condition, metric)
    if not entry or entry["value"] is None or ceiling is None or ceiling <= 0:
        return UNDEFINED
    return f"{entry['value'] / ceiling:.2f}"


def _best_floor(condition: Plain, higher_is_better: bool) -> str:
    floors = condition.get("floors") or []
    defined = [floor for floor in floors if floor["value"] is not None]
    if not defined:
        return UNDEFINED if floors else ABSENT
    best = _best(defined, higher_is_better)
    return f"{best['value']:.3f} {best['model']}"


def _published(condition: Plain, model: str, higher_is_better: bool) -> str:
    """Return the published number of this model, else the best one, with the name it stands for."""
    from ..contract.task import plain_name

    reported = condition.get("reported") or []
    if not reported:
        return ABSENT
    own = [entry for entry in reported if plain_name(entry["model"]) == plain_name(model)]
    best = _best(own or reported, higher_is_better)
    return f"{best['value']:.3f} {best['model']}"


def _best(entries: Sequence[Plain], higher_is_better: bool) -> Plain:
    choose = max if higher_is_better else min
    return choose(entries, key=lambda entry: entry["value"])


def _cost(cost: Plain) -> str:
    parts = []
    for key, unit in (("wall_seconds", "s"), ("cpu_seconds", "CPU s"), ("gpu_seconds", "GPU s")):
        if cost.get(key):
            parts.append(f"{cost[key]:.0f} {unit}")
    if cost.get("peak_memory_bytes"):
        parts.append(f"{cost['peak_memory_bytes'] / 2**30:.1f} GiB")
    return ", ".join(parts) or ABSENT


def condition_words(condition: Plain) -> str:
    """Return a condition as it is asked for on the command line, short."""
    return " ".join(f"{SYMBOLS.get(a, a)}={value:g}" for a, value in condition.items())


def _general(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.4g}"


def number(value: float | None, otherwise: str = UNDEFINED) -> str:
    return otherwise if value is None else f"{value:.3f}"
