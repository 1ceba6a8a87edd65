"""The pages above the boards: the first one, what became new and when, data and method."""

from __future__ import annotations

import itertools
import math
import uuid
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from markupsafe import Markup

from ..contract.checked import read_toml
from ..contract.task import Task
from ..home.workspace import content_folder
from ..metrics import MetricSpecification
from ..metrics.bootstrap import FEWEST_FOR_INTERVAL
from ..metrics.specification import NO_SCORE
from .boards import Board
from .chart import TIME_LABEL, Line, line_chart
from .published import state_of_the_art
from .references import card_of_reported, references
from .render import render
from .sources import Entry, Point, Sources
from .standing import Boards, Place, Standing, in_order
from .words import plural, safe_name, score

ROADMAP = "jung2025"
MOST_CURVES = 4
NEWEST_IN_FEED = 50
FIRST = "1970-01-01T00:00:00+00:00"
AVERAGES = {
    "configuration": "computed for each test configuration, then averaged",
    "pooled": "computed once over all particles of the test split",
    "sample_means": "computed over the mean prediction and the mean truth of each configuration",
}
NOISE_CEILING = r"\sqrt{\frac{2 r_h}{1 + r_h}}"


def home_context(sources: Sources, boards: Boards, changes: Sequence[Any]) -> dict[str, Any]:
    """Return what the first page shows."""
    main = [one for one in in_order(boards) if one[0].main]
    entries = sources.entries
    flagship = main[0] if main else None
    return {
        "main": main,
        "changes": changes,
        "records": len(entries),
        "verified": sum(bool(entry.signer) for entry in entries),
        "models": len({entry.record["model"]["name"] for entry in entries}),
        "seeds": sorted({len(entry.record["seeds"]) for entry in entries}),
        "samples": sorted({len(b.samples(s.points)) for b, s in main if b.rows}),
        "flagship": flagship,
        "figure": first_figure(*flagship, boards) if flagship else Markup(""),
        "art": [line for board, _ in boards for line in state_of_the_art(board)],
        "roadmap": references()[ROADMAP],
    }


def first_figure(board: Board, standing: Standing, boards: Boards) -> Markup:
    """Return the score of the leading models against time, with published curves of another set.

    Of each tier the best; of the first tier all that share the first rank, four at most.
    """
    metric, axis = board.primary, board.task.axes[-1]
    points = [p for p in standing.points if p[:-1] == standing.points[0][:-1]]
    shown: list[Place] = []
    for tier in standing.tiers:
        room = MOST_CURVES - len(shown)
        shown += standing.leaders(tier)[: room if tier == "thermal" else min(1, room)]
    scale = _time_scale(board, points)
    lines = []
    for place in shown:
        values = [(scale(p), place.row.value(metric.name, p)) for p in points]
        known = [(x, y) for x, y in values if y is not None]
        lines.append(Line(place.row.name, known, href=f"model/{safe_name(place.row.model)}.html"))
    for name, of_floor in board.floors.items():
        if name == standing.floor_name:
            known = [(scale(p), of_floor[p]) for p in points if p in of_floor]
            lines.append(Line(f"floor: {name}", known, floor=True))
    lines += _published_lines(board, points, boards, {place.row.name for place in shown})
    ceiling = [(scale(p), c) for p in points if (c := board.ceiling(metric.name, p)) is not None]
    scaled = all(board.tau_alpha(p) for p in points)
    x_label = TIME_LABEL if scaled else f"{axis.symbol} ({axis.unit})"
    return line_chart(
        lines,
        x_label=x_label,
        y_label=metric.title,
        label=f"{metric.title} against {'t / tau_alpha' if scaled else axis.name} of the leading "
        f"models on {board.task.title}; the numbers are on its board",
        logarithmic=all(scale(p) > 0 for p in points),
        ceiling=() if standing.bound else ceiling,
        size=(620, 340),
    )


def _time_scale(board: Board, points: Sequence[Point]) -> Any:
    scaled = all(board.tau_alpha(p) for p in points)
    return lambda p: p[-1] / (board.tau_alpha(p) or 1.0) if scaled else p[-1]


def _published_lines(
    board: Board, points: Sequence[Point], boards: Boards, shown: set[str]
) -> list[Line]:
    """Return published curves at the same temperature: of a model shown, and the best one."""
    lines: list[Line] = []
    if not points:
        return lines
    low, high = (f(map(_time_scale(board, points), points)) for f in (min, max))
    for other, _ in boards:
        if other.task.name != board.task.name or not other.reported or other is board:
            continue
        same = [p for p in other.points if math.isclose(p[0], points[0][0])]
        scale = _time_scale(other, same)
        curves = {}
        for name, numbers in other.published(board.primary.name).items():
            known = [(scale(p), numbers[p].value) for p in same if p in numbers]
            known = [(x, y) for x, y in known if 0.9 * low <= x <= 1.1 * high]
            if known:
                curves[name] = known
        best = max(curves, key=lambda n: sum(y for _, y in curves[n]) / len(curves[n]), default="")
        chosen = [n for n in curves if n == best or card_of_reported(n, shown)]
        lines += [Line(n, curves[n], reported=True, href=f"task/{other.name}.html") for n in chosen]
    return lines


NAMESPACE = uuid.UUID("b7a1f0de-5a0e-5e0b-9a9b-6d9f3a3f7c11")


def list_changes(boards: Boards) -> list[dict[str, str]]:
    """Return one change a board and day, newest first: what came, and who leads since."""
    changes = [change for board, standing in boards for change in _of_board(board, standing)]
    return sorted(changes, key=lambda change: (change["created"], change["id"]), reverse=True)


def _of_board(board: Board, standing: Standing) -> list[dict[str, str]]:
    entries = [
        (entry, place)
        for place in standing.places
        for entry in (place.row.entry, *place.row.earlier)
    ]
    entries.sort(key=lambda one: (one[0].record["created"], one[0].name))
    changes, seen, leaders = [], set[str](), dict[str, str]()
    for day, group in itertools.groupby(entries, key=lambda one: one[0].record["created"][:10]):
        of_day = list(group)
        names = list(dict.fromkeys(place.row.name for _, place in of_day))
        new = [name for name in names if name not in seen]
        first = not seen
        seen |= set(names)
        best = {
            tier: next((p for p in places if p.row.name in seen and p.value is not None), None)
            for tier, places in standing.tiers.items()
        }
        changes.append(
            {
                "board": board.name,
                "id": uuid.uuid5(NAMESPACE, f"{board.name} {day}").urn,
                "created": max(entry.record["created"] for entry, _ in of_day),
                "page": f"task/{board.name}.html",
                "title": _title(board, new, first, of_day),
                "summary": _summary(new, of_day, best, leaders),
            }
        )
        leaders |= {tier: place.row.name for tier, place in best.items() if place}
    return changes


def _title(board: Board, new: list[str], first: bool, of_day: Sequence[tuple[Entry, Place]]) -> str:
    where = f"{board.task.title} ({board.label})"
    if first:
        return f"New board: {board.task.title}, dataset {board.label}"
    if any(entry.signer for entry, _ in of_day):
        return f"{plural(sum(bool(e.signer) for e, _ in of_day), 'record')} verified on {where}"
    return f"{plural(len(new), 'model')} added to {where}" if new else f"Run again on {where}"


def _summary(
    new: list[str],
    of_day: Sequence[tuple[Entry, Place]],
    best: Mapping[str, Place | None],
    leaders: Mapping[str, str],
) -> str:
    """Return who leads since, among the models of each tier of input, then what is new."""
    first = []
    for tier, place in best.items():
        before = leaders.get(tier)
        if place and place.row.name != before:
            end = f", before: {before}" if before else ""
            first.append(f"{place.row.name} ({tier} input, {score(place.value)}{end})")
    again = sorted({place.row.name for _, place in of_day} - set(new))
    named = {"leads": first, "new": sorted(new), "run again": again}
    return "; ".join(f"{words}: {', '.join(names)}" for words, names in named.items() if names)


def atom_feed(changes: Sequence[dict[str, Any]], address: str = "", board: str = "") -> str:
    """Return the feed of the newest changes, of one board or of all.

    Links are relative without the address of the site.
    """
    chosen = [change for change in changes if board in ("", change["board"])]
    return render(
        "feed.xml",
        id=uuid.uuid5(NAMESPACE, f"feed {board}".strip()).urn,
        updated=chosen[0]["created"] if chosen else FIRST,
        address=address,
        file=f"feed/{board}.xml" if board else "feed.xml",
        changes=chosen[:NEWEST_IN_FEED],
    )


def method_context(boards: Boards, tasks: Sequence[Task]) -> dict[str, Any]:
    """Return what the page on data and method shows."""
    # By function, since many metrics are one function of other particles or targets.
    functions: dict[str, dict[tuple[str, str, str], dict[str, Any]]] = {}
    for board, _ in boards:
        for metric in board.metrics:
            scope = _scope(metric)
            # Two tasks may have metrics of one name that are not the same.
            key = (metric.name, metric.title, scope)
            use: dict[str, Any] = {"metric": metric, "scope": scope, "tasks": []}
            use |= definitions()[metric.function]
            use = functions.setdefault(metric.function, {}).setdefault(key, use)
            if board.task.title not in use["tasks"]:
                use["tasks"].append(board.task.title)
    return {
        "functions": [list(uses.values()) for uses in functions.values()],
        "ceiling_equation": mathml(NOISE_CEILING),
        "fewest": FEWEST_FOR_INTERVAL,
        "boards": boards,
        "tasks": tasks,
    }


@cache
def definitions() -> dict[str, dict[str, str]]:
    """Return `words` and `equation`, as MathML, of every function of a metric."""
    table = read_toml(content_folder("leaderboard") / "metrics.toml")
    return {name: {**of, "equation": mathml(of["equation"])} for name, of in table.items()}


def mathml(latex: str) -> Markup:
    """Return a LaTeX formula as MathML that stands on a line of its own."""
    from latex2mathml.converter import convert

    return Markup(convert(latex, display="block"))


def _scope(metric: MetricSpecification) -> str:
    scope = []
    if metric.on_pairs:
        scope.append(f"pairs: {_kind(metric.pairs)}")
    elif metric.particles != "all":
        scope.append(f"particles: {_kind(metric.particles)}")
    if metric.max_distance is not None:
        scope.append(f"closer than {metric.max_distance:g}")
    scope += [f"{name.replace('_', ' ')} {value:g}" for name, value in metric.options.items()]
    scope.append(AVERAGES[metric.average])
    if metric.at_condition:
        scope.append(f"{' and '.join(metric.at_condition)} of the condition")
    if metric.function not in NO_SCORE:
        scope.append("higher is better" if metric.higher_is_better else "lower is better")
    return "; ".join(scope)


def _kind(selection: str | None) -> str:
    return (selection or "all").replace("type_a", "type A").replace("type_b", "type B")
