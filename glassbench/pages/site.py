"""From sources to the folder of a site."""

from __future__ import annotations

import gc
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..contract.task import Task
from ..record.file import SCHEMA_FILE
from .api import leaderboard_json
from .board_page import board_context, ranking_data
from .boards import Board, make_boards
from .changes import NEWEST_IN_FEED, list_changes
from .exports import as_bibtex, as_csv, as_json, as_latex, long_columns, long_rows
from .feed import atom_feed
from .heat_map import heat_map
from .markdown import render_file
from .model_page import model_context, model_names
from .output import SiteFolder, copied, digest_of
from .overview_pages import compare_index, method_context, models_context
from .plot_data import as_script, board_data
from .record_page import drawn_parts, record_context
from .render import render, static_folder, style_digest
from .shared import STATUS_WORDS, TIERS
from .sources import Entry, Sources, read_sources
from .standing import Standing, make_standing
from .words import decimals_for, safe_name

API_SCHEMA = SCHEMA_FILE.with_name("leaderboard.schema.json")


@dataclass(frozen=True)
class BuildReport:
    """What a build did.

    Attributes
    ----------
    files : number of files of the site
    written, removed : files that changed, and that are gone
    problems : what was left out, and why
    """

    folder: Path
    records: int
    files: int
    written: int
    removed: int
    problems: tuple[str, ...]


def build_site(sources: Sources, folder: Path, address: str = "") -> BuildReport:
    """Write the site into a folder; what has not changed since the last build stays.

    Parameters
    ----------
    address : where the site will lie, for the feed; links inside are relative

    Raises
    ------
    UserError
        If the folder holds files that no build made.
    """
    builder = _Builder(sources, SiteFolder(folder), address)
    builder.build()
    written, removed = builder.output.finish()
    return BuildReport(
        folder=folder,
        records=len(sources.entries),
        files=len(builder.output.files),
        written=written,
        removed=removed,
        problems=sources.problems,
    )


def build_leaderboard(records: Path, folder: Path, address: str = "") -> BuildReport:
    """Read the records of a folder and write their site; see `read_sources` and `build_site`.

    Records are many small objects that all live to the end, among which the
    collector of cycles would search in vain for half of the time: it pauses.
    """
    paused = gc.isenabled()
    gc.disable()
    try:
        return build_site(read_sources(records), folder, address)
    finally:
        if paused:
            gc.enable()


class _Builder:
    """One build: sources, their boards, and the folder that takes the pages."""

    def __init__(self, sources: Sources, output: SiteFolder, address: str) -> None:
        self.sources, self.output, self.address = sources, output, address
        self.style = style_digest()
        self.boards = [(board, make_standing(board)) for board in make_boards(sources)]
        self.of_board = {board.name: _board_digest(board) for board, _ in self.boards}

    def build(self) -> None:
        self._static()
        for board, standing in self.boards:
            self._board(board, standing)
        for board, _ in self.boards:
            for row in board.rows:
                for entry in (row.entry, *row.earlier):
                    self._record(entry, board, row.card)
        self._models()
        self._rest()

    def _page(
        self, name: str, template: str, made_from: str, context: Mapping[str, Any] | Any
    ) -> None:
        """Make a page from a template; a context that is a function is called when needed."""

        def make() -> str:
            values = context() if callable(context) else context
            return render(
                template,
                root="../" * name.count("/"),
                page=name,
                status_words=STATUS_WORDS,
                tiers=TIERS,
                **values,
            )

        self.output.put(name, digest_of(self.style, made_from), make)

    def _static(self) -> None:
        for path in sorted(p for p in static_folder().iterdir() if p.is_file()):
            self.output.put(f"static/{path.name}", self.style, path.read_bytes)
        for path in (API_SCHEMA, SCHEMA_FILE):
            content = path.read_bytes()
            self.output.put(path.name, digest_of(content), lambda content=content: content)

    def _board(self, board: Board, standing: Standing) -> None:
        made_from = digest_of(self.of_board[board.name], board.name)
        siblings = [b for b, _ in self.boards if b.task.name == board.task.name]
        names = digest_of(made_from, [b.name for b in siblings])

        def context() -> dict[str, Any]:
            own = {"siblings": siblings, "about": _card(board), "figure": _figure(board)}
            return {**board_context(board, standing), **own}

        self._page(f"task/{board.name}.html", "task.html", names, context)
        self._page(
            f"task/{board.name}-conditions.html",
            "conditions.html",
            names,
            lambda: {"board": board, "standing": standing, "heat": heat_map(board, standing)},
        )
        for metric in board.metrics:
            data = f"{board.name}/{metric.name}"
            self.output.put(
                f"data/board/{safe_name(data)}.js",
                digest_of(self.style, made_from, metric.name),
                lambda data=data, metric=metric: as_script(data, board_data(board, metric)),
            )
        self.output.put(
            f"data/ranking/{board.name}.js",
            digest_of(self.style, made_from),
            lambda: as_script(f"ranking/{board.name}", ranking_data(board, standing)),
        )
        if figure := _figure(board):
            content = figure.read_bytes()
            path = f"figure/{board.name}.png"
            self.output.put(path, digest_of(content), lambda content=content: content)
        decimals = decimals_for(place.interval for place in standing.places)
        cards = [place.row.card for place in standing.places if place.row.card]
        makers = {
            "csv": lambda: as_csv(long_columns(board), long_rows(board, standing)),
            "json": lambda: as_json(long_columns(board), long_rows(board, standing)),
            "tex": lambda: as_latex(board, standing, decimals),
            "bib": lambda: as_bibtex(cards),
        }
        for suffix, make in makers.items():
            made = digest_of(self.style, made_from, suffix)
            self.output.put(f"export/{board.name}.{suffix}", made, make)

    def _record(self, entry: Entry, board: Board, card) -> None:
        made_from = digest_of(entry.digest, _task_digest(board.task), card, board.name)
        self._page(
            f"record/{entry.name}.html",
            "record.html",
            made_from,
            lambda: record_context(entry, board, card),
        )
        receive = f"glassbench.receive({json.dumps(f'record/{entry.name}')},"
        for name, around in (
            (f"records/{entry.name}.json", ("", "")),
            (f"data/record/{entry.name}.js", (receive, ");\n")),
        ):
            make = partial(copied, entry.path, *around)
            self.output.put(name, entry.file_digest, make)
        if entry.explanation is not None:
            self.output.put(
                f"data/explain/{entry.name}.js",
                digest_of(self.style, entry.digest, made_from),
                lambda: as_script(f"explain/{entry.name}", drawn_parts(entry, board)),
            )

    def _models(self) -> None:
        everything = digest_of(sorted(self.of_board.items()))
        boards = [board for board, _ in self.boards]
        for name in model_names(boards, self.sources.cards):
            card = self.sources.cards.get(name)
            own = [pair for pair in self.boards if any(r.name == name for r in pair[0].rows)]
            made_from = digest_of(name, card, [self.of_board[board.name] for board, _ in own])
            self._page(
                f"model/{safe_name(name)}.html",
                "model.html",
                made_from,
                lambda name=name, card=card, own=own: model_context(name, card, own),
            )
        listed = digest_of(everything, sorted(self.sources.cards.items()))
        self._page(
            "models.html",
            "models.html",
            listed,
            lambda: models_context(self.boards, self.sources.cards),
        )

    def _rest(self) -> None:
        cards = sorted(self.sources.cards.items())
        made_from = digest_of(
            sorted(self.of_board.items()), cards, self.sources.problems, self.address
        )
        changes = list_changes(self.boards)
        main = [
            {"board": board, "standing": standing, "decimals": decimals_for(
                place.interval for place in standing.places)}
            for board, standing in self.boards
            if board.name == safe_name(board.task.name)
        ]  # fmt: skip
        main.sort(key=lambda item: not item["board"].rows)
        self._page("index.html", "home.html", made_from, {"main": main, "changes": changes[:5]})
        self._page("compare.html", "compare.html", made_from, {"boards": self.boards})
        tasks = list(self.sources.tasks.values())
        self._page(
            "method.html", "method.html", made_from, lambda: method_context(self.boards, tasks)
        )
        self._page("submit.html", "submit.html", made_from, {"main": main})
        problems = self.sources.problems
        self._page(
            "changes.html", "changes.html", made_from, {"changes": changes, "problems": problems}
        )
        made_from = digest_of(self.style, made_from)
        feed, address = changes[:NEWEST_IN_FEED], self.address
        self.output.put("feed.xml", made_from, lambda: atom_feed(feed, address))
        self.output.put(
            "leaderboard.json",
            made_from,
            lambda: leaderboard_json(self.boards, self.sources.cards),
        )
        self.output.put("data/index.js", made_from, lambda: compare_index(self.boards))


def _card(board: Board):
    return render_file(board.task.folder / "README.md")


def _figure(board: Board) -> Path | None:
    """Return where the figure of a board's dataset lies, None where the task has none."""
    path = board.task.folder / f"{safe_name(board.dataset)}.png"
    return path if path.is_file() and not board.superseded else None


def _task_digest(task: Task) -> str:
    texts = [
        path.read_text(encoding="utf-8", errors="replace")
        for name in ("task.toml", "README.md", "reported.csv")
        if (path := task.folder / name).is_file()
    ]
    return digest_of(texts)


def _board_digest(board: Board) -> str:
    entries = [[e.digest for e in (row.entry, *row.earlier)] for row in board.rows]
    cards = [row.card for row in board.rows]
    return digest_of(_task_digest(board.task), entries, cards, bool(_figure(board)))
