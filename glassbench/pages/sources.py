"""What pages are made of: records with their conditions, explanations, tasks, model cards.

A record is reduced where it used less than the published method. The published settings are the
card's `[hyperparameters]` with those that hold on every dataset of the task; the number of training
configurations of the paper stands in `references.toml`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..contract.errors import UserError
from ..contract.model_card import ANY_DATASET, POSITIONS, ModelCard
from ..contract.task import Task, read_reported
from ..explain.schema import Explanation, check_axes, fitting_explanation
from ..home.files import read_plain_file
from ..home.workspace import content_folder
from ..metrics.bootstrap import FEWEST_FOR_INTERVAL
from ..plugins.registry import Plugin, list_models, list_tasks
from ..record.record import PlainRecord as Record
from ..record.record import refuse_future, validate_record
from ..submission.board import imitated
from ..submission.sandbox.bounded import read_json
from ..submission.signature import SignatureError, trusted_keys, verify
from .references import method_of
from .words import safe_name

LARGEST_RECORD, LARGEST_EXPLANATION = 32_000_000, 1_000_000
LARGEST_PREDICTIONS = 64_000_000
FEWEST_SEEDS = 3  # that tell how far training scatters
BROKEN = (UserError, OSError, ValueError, RecursionError)

Point = tuple[float, ...]
Ends = tuple[float, float] | None
# A value, its interval, and where samples are too few for that, the value of each.
Cell = tuple[float | None, Ends, tuple[float, ...]]
ConditionEntry = Mapping[str, Any]  # an item of a record's `conditions`
# Whole numbers that are neither work nor size.
NO_EFFORT = {"batch_size", "patience", "plateau", "folds", "seed"}
TRAINING = "configurations: train"


@dataclass(frozen=True)
class Entry:
    """A record that was read, its conditions by their values on the task's axes.

    `name` is that of its page, the file's stem made safe; `explanation` is what `glassbench
    explain` wrote about it; `digest` is the sha256 of the file; `signer` is the maintainer whose
    signature holds, empty where none does, whatever the record says of itself.
    """

    name: str
    path: Path
    record: Record
    conditions: Mapping[Point, ConditionEntry]
    explanation: Explanation | None
    digest: str
    signer: str = ""

    @cached_property
    def predictions(self) -> list[Path]:
        """The files of its predictions that lie with the records, named after their sha256."""
        folder = self.path.parent.parent / "predictions"
        digests = sorted({one["sha256"] for one in self.record["predictions"]})
        return [path for digest in digests for path in sorted(folder.glob(f"{digest}.*"))]

    @property
    def status(self) -> Literal["measured", "verified"]:
        """Who vouches for the numbers: `verified` only where a maintainer's signature holds."""
        return "verified" if self.signer else "measured"

    @property
    def stated(self) -> frozenset[Literal["cost", "parameters"]]:
        """What its author states and nobody else measured: `cost`, `parameters` or both."""
        if not self.signer:
            return frozenset({"cost", "parameters"})
        # Whoever predicts from weights has not measured what their training took; how many
        # parameters there are, the model's own process says.
        trained = self.record["verification"]["mode"] == "retrain"
        return frozenset({"parameters"} if trained else {"cost", "parameters"})


@dataclass(frozen=True)
class Sources:
    """All that a site is built from; `problems` name what was left out, and why."""

    tasks: Mapping[str, Task]
    cards: Mapping[str, ModelCard]
    entries: tuple[Entry, ...]
    problems: tuple[str, ...]


def read_sources(records: Path, trusted: Path | None = None) -> Sources:
    """Return every task, model card and record that can be read; the others are named.

    `records` is a folder of `*.json`; the explanation of each lies under the same name in the
    folder `explain` beside it. `trusted` names the keys that may sign, in place of the
    leaderboard's.
    """
    problems: list[str] = []
    keys = trusted_keys(trusted)
    tasks = _whole(list_tasks(), problems)
    for name in list(tasks):
        try:
            read_reported(tasks[name])
        except BROKEN as error:
            del tasks[name]
            problems.append(f"task {name} is left out: {error}")
    cards = _whole(list_models(), problems)
    entries = []
    for path in sorted(records.glob("*.json")):
        try:
            entries.append(_read_entry(path, tasks, keys, problems))
        except BROKEN as error:
            problems.append(f"record {path.name} is left out: {error}")
    return Sources(tasks, cards, tuple(_by_their_owners(entries, cards, problems)), tuple(problems))


def _by_their_owners(
    entries: list[Entry], cards: Mapping[str, ModelCard], problems: list[str]
) -> Iterator[Entry]:
    """Yield the entries whose model has a name that is no other's, nor could be taken for it.

    A name is its card's, or that of the first record with it, verified ones before measured ones.
    """
    by_right = sorted(entries, key=lambda e: (not e.signer, e.record["created"]))
    owners = {name: card.authors for name, card in cards.items()}
    for entry in by_right:
        owners.setdefault(entry.record["model"]["name"], entry.record["model"].get("authors", ()))
    names = list(owners)
    for entry in entries:
        name, authors = entry.record["model"]["name"], entry.record["model"].get("authors", ())
        other = imitated(name, names[: names.index(name)])
        if other:
            why = f"could be taken for `{other}`"
        elif authors and owners[name] and not set(authors) & set(owners[name]):
            why = f"is that of {', '.join(owners[name])}"
        else:
            yield entry
            continue
        problems.append(f"record {entry.path.name} is left out: the name `{name}` {why}")


def _whole(plugins: Iterable[Plugin], problems: list[str]) -> dict[str, Any]:
    """Return what the plugins state, by name; those that are broken become problems."""
    whole = {}
    for plugin in plugins:
        if plugin.error is None:
            whole[plugin.name] = plugin.contract
        else:
            # Pages name the problem too, and paths of this machine do not belong there.
            reason = plugin.error.replace(str(plugin.folder), plugin.folder.name)
            problems.append(f"{plugin.name} is left out: {reason}")
    return whole


def _read_entry(
    path: Path, tasks: Mapping[str, Task], keys: Mapping[str, str], problems: list[str]
) -> Entry:
    """Return a record with the explanation beside it, unless that is broken."""
    content = read_plain_file(path, LARGEST_RECORD)
    record = read_json(content, "it")
    validate_record(record)
    refuse_future(record)
    positions, reads = record["hyperparameters"].get("positions"), record["model"]["reads"]
    if positions in POSITIONS and reads[0] != positions:
        raise UserError(f"it was given {positions} positions, and says that it reads {reads[0]}")
    task = _fitting_task(record, tasks)
    beside, explanation = path.parent.parent / "explain" / path.name, None
    if beside.is_file():
        try:
            plain = read_json(read_plain_file(beside, LARGEST_EXPLANATION), "it")
            explanation = fitting_explanation(plain, record, task)
        except BROKEN as error:
            problems.append(f"explanation {path.name} is left out: {error}")
    conditions = {point_of(task, entry["condition"]): entry for entry in record["conditions"]}
    digest = hashlib.sha256(content).hexdigest()
    signer = ""
    if record["status"] == "verified" or "verification" in record:
        try:
            signer = verify(record, keys)
        except SignatureError as error:
            problems.append(f"record {path.name} is shown as measured: {error}")
    return Entry(safe_name(path.stem), path, record, conditions, explanation, digest, signer)


def _fitting_task(record: Record, tasks: Mapping[str, Task]) -> Task:
    """Return the task of a record; refuse one that fits the schema but not its task."""
    name, version = record["task"]["name"], record["task"]["protocol_version"]
    if name not in tasks:
        raise UserError(f"its task `{name}` is none of {', '.join(sorted(tasks)) or 'no task'}")
    task = tasks[name].asked_for(record["task"].get("target") or "")
    primary = record["task"]["primary_metric"]
    if task.other_target and primary != task.primary_metric.name:
        raise UserError(
            f"its primary metric is `{primary}`, that of target {task.target} is "
            f"`{task.primary_metric.name}`"
        )
    if version > task.protocol_version:
        raise UserError(
            f"protocol version {version} of {name} is newer than the installed "
            f"{task.protocol_version}: update the task"
        )
    check_axes(task, _conditions_in(record))
    for entry in record["conditions"]:
        if primary not in entry["scores"]:
            raise UserError(f"condition {entry['condition']} lacks the primary metric {primary}")
        for scored in (entry, *(entry.get("transfer") or {}).get("conditions", ())):
            _check_lengths(scored)
    return task


def _check_lengths(entry: Mapping[str, Any]) -> None:
    """Refuse lists of one condition that are longer or shorter than its configurations."""
    number = len(entry["configurations"])
    lists = {"parents": entry["parents"]}
    for metric, values in entry["scores"].items():
        for seed in values["seeds"]:
            lists[f"values of {metric}, seed {seed['seed']}"] = seed["by_configuration"]
    for metric, ceiling in entry.get("ceiling", {}).items():
        lists[f"ceilings of {metric}"] = (ceiling or {}).get("by_configuration")
    for floor in entry.get("floors", ()):
        lists[f"values of the floor {floor['model']}"] = floor["by_configuration"]
    for what, values in lists.items():
        # A metric that is no mean over configurations has none.
        if values and len(values) != number:
            raise UserError(
                f"condition {entry['condition']} has {len(values)} {what} for {number} "
                "configurations"
            )


def _conditions_in(record: Record) -> Iterator[Mapping[str, float]]:
    """Yield every condition that a record names."""
    for entry in record["conditions"]:
        yield entry["condition"]
        if entry.get("trained_at"):
            yield entry["trained_at"]
        yield from (c["condition"] for c in (entry.get("transfer") or {}).get("conditions", ()))
    yield from (p["condition"] for p in record["predictions"])
    yield from (f["condition"] for f in record["failed"] if f["condition"] is not None)


def point_of(task: Task, condition: Mapping[str, float]) -> Point:
    """Return the values of a condition in the order of the task's axes."""
    return tuple(float(condition[axis.name]) for axis in task.axes)


def samples_of(entry: ConditionEntry) -> int:
    """Return the number of independent samples behind a condition's scores."""
    return len(set(entry["parents"]))


def shown_interval(entry: ConditionEntry, interval: Sequence[float] | None) -> Ends:
    """Return an interval at a condition, or None where too few samples give none."""
    if interval is None or samples_of(entry) < FEWEST_FOR_INTERVAL:
        return None
    return interval[0], interval[1]


def with_seeds(ends: Ends, values: Sequence[float | None]) -> Ends:
    """Return an interval widened by the error of the mean over seeds, of which three are needed.

    Both half-widths are added in quadrature; that over n seeds is t(n - 1) s / sqrt(n).
    """
    known = [value for value in values if value is not None]
    if ends is None or len(known) < FEWEST_SEEDS:
        return ends
    from scipy.special import stdtrit

    spread = stdtrit(len(known) - 1, 0.975) * np.std(known, ddof=1) / np.sqrt(len(known))
    mean = float(np.mean(known))
    low, high = (float(np.hypot(end - mean, spread)) for end in ends)
    return mean - low, mean + high


def by_configuration(entry: ConditionEntry, metric: str) -> NDArray[np.float64] | None:
    """Return a metric by configuration (n,), the mean over seeds; None where it is not known."""
    seeds = [seed["by_configuration"] for seed in entry["scores"][metric]["seeds"]]
    return np.array(seeds, dtype=np.float64).mean(axis=0) if seeds and all(seeds) else None


def sample_means(entry: ConditionEntry, metric: str) -> dict[str, float]:
    """Return a metric by independent sample, by name; empty where configurations have no value."""
    values, parents = by_configuration(entry, metric), np.asarray(entry["parents"])
    if values is None:
        return {}
    return {name: float(values[parents == name].mean()) for name in sorted(set(entry["parents"]))}


def cell_of(entry: ConditionEntry, metric: str) -> Cell:
    """Return a metric at a condition, with its interval or the value of each sample."""
    score = entry["scores"][metric]
    interval = shown_interval(entry, score["interval"])
    few = interval is None and score["interval"] is not None
    return score["value"], interval, tuple(sample_means(entry, metric).values()) if few else ()


def reductions(entry: Entry, card: ModelCard | None) -> tuple[str, ...]:
    """Return in words where a record falls short of the published settings, empty where nowhere."""
    record, words = entry.record, []
    task = record["task"]["name"]
    if card is not None:
        for name, published in published_settings(card, task).items():
            own = record["hyperparameters"].get(name, published)
            if name not in NO_EFFORT and is_less(own, published):
                words.append(_words(name, own, published))
    method = method_of(record["model"]["name"], card.doi if card else "")
    known, trained = method.training.get(task) if method else None, training_configurations(entry)
    if known and trained and max(map(int, trained.split("–"))) < known:
        words.append(f"{trained} of {known} training configurations")
    return tuple(words)


def is_reimplemented(card: ModelCard | None) -> bool:
    """Return whether a model is one of the baselines, and its authors are not GlassBench."""
    if card is None or card.folder.parent != content_folder("baselines"):
        return False
    return not any("GlassBench" in author for author in card.authors)


def published_settings(card: ModelCard, task: str) -> Mapping[str, Any]:
    """Return the hyperparameters of the method at its published size, on any dataset of a task."""
    return {**card.hyperparameters, **card.defaults.get(task, {}).get(ANY_DATASET, {})}


def is_less(own: Any, published: Any) -> bool:
    """Return whether a setting means less work or a smaller model than the published one."""
    if isinstance(own, bool) or isinstance(published, bool):
        return False
    if isinstance(own, int) and isinstance(published, int):
        return own < published
    if isinstance(own, list) and isinstance(published, list):
        whole = all(type(value) is int for value in (*own, *published))
        return whole and (len(own) < len(published) or any(a < b for a, b in zip(own, published)))
    return isinstance(own, str) and published == "paper" and own != published


def _words(name: str, own: Any, published: Any) -> str:
    name = name.replace("_", " ")
    if isinstance(own, str):
        return f"{name} {own}"
    if isinstance(own, list):
        return f"{name} {own} of {published}".replace(" ", "\N{NO-BREAK SPACE}")
    # `8 of 1000 epochs`, but `width 32 of 64`.
    return f"{own} of {published} {name}" if name.endswith("s") else f"{name} {own} of {published}"


def training_configurations(entry: Entry) -> str:
    """Return how many training configurations a dataset has, by its explanation: `12–16`."""
    facts = entry.explanation.dataset if entry.explanation else ()
    counts = {int(f.value) for f in facts if f.name.endswith(TRAINING) and f.value.isdigit()}
    return "–".join(map(str, sorted({min(counts), max(counts)}))) if counts else ""
