"""From sources to the folder of a site, and that folder on an address of this machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..contract.errors import UserError, escaped
from ..contract.schemas import schema_file
from ..home.files import read_plain_file, write_json
from ..home.workspace import content_folder
from .api import leaderboard_json
from .board_page import board_badge, board_context, cite, heat_map, ranking_data
from .boards import Board, make_boards
from .exports import (
    as_csv,
    as_json,
    as_script,
    board_data,
    compare_index,
    latex_lines,
    long_table,
    with_units,
)
from .model_page import model_context, model_names, models_context, tables_of_boards
from .overview import atom_feed, home_context, list_changes, method_context
from .record_page import drawn_parts, record_context
from .references import glassbench_bibtex, repository
from .render import render, render_file
from .sources import LARGEST_PREDICTIONS, Entry, Sources
from .standing import Boards, Standing, make_standing
from .words import safe_name

MANIFEST = "manifest.json"
LIST = ".glassbench-site.json"  # names of the files that the last build made

# Name below the folder of the site, with slashes, and content.
File = tuple[str, str | bytes]


@dataclass(frozen=True)
class BuildReport:
    """What a build did: numbers of files in all, of changed ones, of those that are gone."""

    folder: Path
    records: int
    files: int
    written: int
    removed: int
    problems: tuple[str, ...]


def build_site(sources: Sources, folder: Path, address: str = "") -> BuildReport:
    """Write the site into a folder, and remove what an earlier build made and this one does not.

    `address` is where the site will lie, for the feed; links inside are relative. UserError if the
    folder holds files that no build made.
    """
    earlier = _earlier_files(folder)
    names, written = [], 0
    for name, content in site_files(sources, address):
        names.append(name)
        written += _write(folder / name, content.encode() if isinstance(content, str) else content)
    gone = sorted(set(earlier) - set(names))
    for name in gone:
        (folder / name).unlink(missing_ok=True)
    write_json(folder / LIST, sorted(names))
    return BuildReport(
        folder, len(sources.entries), len(names), written, len(gone), sources.problems
    )


def write_manifest(folder: Path, version: str, records: int) -> str:
    """Write `manifest.json` of a release, the sha256 of every file; return its own."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != LIST)
    digests = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }
    write_json(folder / MANIFEST, {"version": version, "records": records, "sha256": digests})
    (folder / LIST).unlink(missing_ok=True)  # so that no later build changes the folder
    return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()


def _earlier_files(folder: Path) -> list[str]:
    """Return the files that an earlier build made, and mark an empty folder as one of ours."""
    if (folder / LIST).is_file():
        try:
            names = list(json.loads((folder / LIST).read_text(encoding="utf-8")))
        except (TypeError, ValueError) as error:
            raise UserError(f"{folder / LIST} cannot be read ({error}): remove {folder}") from error
        root = folder.resolve()
        return [name for name in names if (root / name).resolve().is_relative_to(root)]
    if folder.is_dir() and any(folder.iterdir()):
        raise UserError(
            f"{folder} holds files that no build made: name a new folder, or one of an earlier "
            "build, with out="
        )
    # The folder of a build that is interrupted can be built again.
    write_json(folder / LIST, [])
    return []


def _write(path: Path, content: bytes) -> bool:
    """Write a file unless it has this content; return whether it was written.

    A torn file is written again by the next build: there is no need to wait for the disk at each.
    """
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return True


def site_files(sources: Sources, address: str = "") -> Iterator[File]:
    boards = [(board, make_standing(board)) for board in make_boards(sources)]
    models = model_names(boards, sources.cards)
    for path in sorted((content_folder("leaderboard") / "static").iterdir()):
        yield f"static/{path.name}", path.read_bytes()
    for path in (schema_file("leaderboard"), schema_file("record")):
        yield path.name, path.read_bytes()
    for board, standing in boards:
        yield from _board_files(board, standing, boards, models, address)
        for row in board.rows:
            for entry in (row.entry, *row.earlier):
                context = record_context(entry, board, standing, row)
                yield _page(f"record/{entry.name}.html", "record.html", context, address)
                yield from _record_data(entry, board)
    tables = tables_of_boards(boards)
    for name in models:
        context = model_context(name, sources.cards.get(name), boards, tables)
        yield _page(f"model/{safe_name(name)}.html", "model.html", context, address)
    yield from _overview_files(sources, boards, address)


def _page(name: str, template: str, context: Mapping[str, Any], address: str) -> File:
    return name, render(
        template,
        root="../" * name.count("/"),
        page=name,
        address=address,
        repository=repository(),
        version=version("glassbench"),
        **context,
    )


def _board_files(
    board: Board, standing: Standing, boards: Boards, models: Sequence[str], address: str
) -> Iterator[File]:
    """Yield the pages of a board, what their scripts load, and its exports."""
    figure = _figure(board)
    context = {
        **board_context(board, standing, models),
        "siblings": [other for other, _ in boards if other.task.name == board.task.name],
        "about": render_file(board.task.folder / "README.md"),
        "figure": figure,
    }
    yield _page(f"task/{board.name}.html", "task.html", context, address)
    heat = heat_map(board, standing)
    yield _page(f"task/{board.name}-conditions.html", "conditions.html", heat, address)
    for metric in board.metrics:
        name = f"{board.name}/{metric.name}"
        yield f"data/board/{safe_name(name)}.js", as_script(name, board_data(board, metric))
    name = f"ranking/{board.name}"
    yield f"data/{name}.js", as_script(name, ranking_data(board, standing, address))
    if figure is not None:
        yield f"figure/{board.name}.png", figure.read_bytes()
    yield _page(f"embed/{board.name}.html", "embed.html", context, address)
    for place in standing.places:
        yield (
            f"badge/{safe_name(place.row.name)}-{board.name}.svg",
            board_badge(board, standing, place),
        )
    columns, rows = long_table(board, standing)
    yield f"export/{board.name}.csv", as_csv(with_units(board, columns), rows)
    yield f"export/{board.name}.json", as_json(columns, rows)
    yield (
        f"export/{board.name}.tex",
        "".join(f"{line}\n" for _, line in latex_lines(board, standing, address)),
    )
    yield f"export/{board.name}.bib", cite(board)


def _figure(board: Board) -> Path | None:
    """Return the figure of a board's dataset, None where the task's file is not that dataset."""
    figure = board.task.folder / f"{safe_name(board.dataset)}.png"
    entry = board.task.datasets.get(board.dataset)
    if entry is None or not entry.path or not figure.is_file():
        return None
    manifest = board.task.folder / f"{entry.path}.manifest.json"
    stated = json.loads(manifest.read_text(encoding="utf-8"))["content_digest"]
    return figure if stated == board.digest else None


def _record_data(entry: Entry, board: Board) -> Iterator[File]:
    """Yield a record as it was read, for downloads and for scripts, and what explains it."""
    content = escaped(entry.path.read_bytes().decode()).encode()
    yield f"records/{entry.name}.json", content
    for path in entry.predictions:
        yield f"predictions/{path.name}", read_plain_file(path, LARGEST_PREDICTIONS)
    receive = f"glassbench.receive({json.dumps(f'record/{entry.name}')},"
    yield f"data/record/{entry.name}.js", receive.encode() + content + b");\n"
    if entry.explanation is not None:
        name = f"explain/{entry.name}"
        yield f"data/{name}.js", as_script(name, drawn_parts(entry, board))


def _overview_files(sources: Sources, boards: Boards, address: str) -> Iterator[File]:
    changes = list_changes(boards)
    home = home_context(sources, boards, changes[:5])
    tasks = list(sources.tasks.values())
    for name, context in {
        "index": home,
        "models": models_context(boards, sources.cards),
        "compare": {"boards": boards},
        "method": method_context(boards, tasks),
        "submit": {"main": home["main"]},
        "changes": {"changes": changes, "problems": sources.problems},
    }.items():
        yield _page(f"{name}.html", f"{'home' if name == 'index' else name}.html", context, address)
    yield "feed.xml", atom_feed(changes, address)
    for board, _ in boards:
        yield f"feed/{board.name}.xml", atom_feed(changes, address, board.name)
    yield "export/glassbench.bib", glassbench_bibtex()
    yield "leaderboard.json", leaderboard_json(boards, sources.cards)
    yield "data/index.js", compare_index(boards)


class _Pages(SimpleHTTPRequestHandler):
    """Pages that others may not frame, but for those in `embed/`, which are made for it.

    A page cannot forbid it by itself: browsers heed `frame-ancestors` in a header alone.
    """

    def end_headers(self) -> None:
        # `frame-ancestors *` would keep out pages that are opened as files.
        if not self.path.startswith("/embed/"):
            self.send_header("Content-Security-Policy", "frame-ancestors 'self'")
        super().end_headers()


def make_server(folder: Path, port: int) -> ThreadingHTTPServer:
    """Return a server of a folder at 127.0.0.1; OSError or OverflowError where it has no port."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(_Pages, directory=str(folder)))
