"""`glassbench leaderboard`: build the pages, release them and look at them."""

from __future__ import annotations

import re
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..contract.errors import WordError
from ..experiments.words import check_keys, split_words
from ..home.workspace import content_folder
from .output import Json, Words, guarded, new_group, say, write_result

if TYPE_CHECKING:
    from ..pages import BuildReport

app = new_group(help="Build the pages of the leaderboard, release or serve them.")
DEFAULT_FOLDER = "leaderboard-site"
DEFAULT_PORT = 8000


@app.command()
@guarded
def build(words: Words = None, json_output: Json = False) -> None:
    """Build the pages of the leaderboard.

    [out=FOLDER] [records=FOLDER] [trusted=FILE.toml] [url=ADDRESS]

    Records are read from the leaderboard's own folder or from `records=`, such as that of a
    workspace; explanations from the folder `explain` beside it. The pages work from the folder,
    from any web host, and without a network. `url=` is their address, for the links of the feed.
    Signatures are checked by the leaderboard's keys, or those of `trusted=`.
    """
    values = split_words(words or [])
    check_keys(values, ("out", "records", "trusted", "url"))
    report, seconds = _build(values)
    for problem in report.problems if not json_output else ():
        say(problem)
    index = report.folder / "index.html"
    counts = (
        f"{report.records} records, {report.files} files, {report.written} of them new or "
        f"changed, {report.removed} removed, {seconds:.1f} s"
    )
    plain = asdict(report) | {"index": index, "seconds": round(seconds, 3)}
    write_result(json_output, plain, [counts, str(index)])


@app.command()
@guarded
def release(version: str, words: Words = None, json_output: Json = False) -> None:
    """Build the pages into a new folder that stays as it is, with the digest of every file.

    VERSION [out=FOLDER] [records=FOLDER] [trusted=FILE.toml] [url=ADDRESS]

    The folder, `leaderboard-VERSION` where `out=` names no other, must not exist. `manifest.json`
    in it names the sha256 of each file; deposit the folder where it gets a DOI. With `url=`, the
    address below which the release will lie as VERSION/, exports and citations carry it.
    """
    from ..pages import write_manifest

    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", version):
        raise WordError(f"version {version!r}: letters, digits, `.`, `_` and `-`, as 2026.11")
    values = split_words(words or [])
    check_keys(values, ("out", "records", "trusted", "url"))
    values.setdefault("out", f"leaderboard-{version}")
    folder = Path(values["out"]).expanduser().absolute()
    if folder.exists():
        raise WordError(f"{folder} exists, and a release is never changed: name another with out=")
    if values.get("url"):
        values["url"] = f"{values['url'].rstrip('/')}/{version}/"
    report, _ = _build(values)
    digest = write_manifest(report.folder, version, report.records)
    plain = {"folder": report.folder, "version": version, "manifest_sha256": digest}
    lines = [f"{report.files} files of {report.records} records in {report.folder}"]
    lines.append(f"sha256 of manifest.json: {digest}")
    write_result(json_output, plain, lines)


@app.command()
@guarded
def serve(words: Words = None) -> None:
    """Build the pages, serve them on this machine and open them in a browser.

    [out=FOLDER] [records=FOLDER] [trusted=FILE.toml] [port=8000] [open=on|off]
    """
    import webbrowser
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    from ..experiments.words import parse_count, parse_switch

    values = split_words(words or [])
    check_keys(values, ("out", "records", "trusted", "port", "open"))
    port = parse_count("port", values.pop("port", str(DEFAULT_PORT)))
    opens = parse_switch("open", values.pop("open", "on"))
    report, _ = _build(values)
    for problem in report.problems:
        say(problem)
    handler = partial(SimpleHTTPRequestHandler, directory=str(report.folder))
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    except (OSError, OverflowError) as error:
        raise WordError(f"port {port} cannot be used ({error}): name another with port=") from None
    with server:
        address = f"http://127.0.0.1:{port}/"
        say(f"serving {report.folder} at {address}, until Ctrl-C")
        if opens:
            webbrowser.open(address)
        server.serve_forever()


def _build(values: dict[str, str]) -> tuple[BuildReport, float]:
    from ..pages import build_site, read_sources

    begin = time.perf_counter()
    records = content_folder("leaderboard") / "records"
    if "records" in values:
        records = Path(values["records"]).expanduser().absolute()
        if not records.is_dir():
            raise WordError(f"records={values['records']}: there is no such folder")
    out = Path(values.get("out", DEFAULT_FOLDER)).expanduser().absolute()
    address = values.get("url", "")
    if address and not address.startswith(("https://", "http://")):
        raise WordError(f"url={address} is not an address: begin with https:// or http://")
    if address and not address.endswith("/"):
        address += "/"
    trusted = Path(values["trusted"]).expanduser() if "trusted" in values else None
    return build_site(read_sources(records, trusted), out, address), time.perf_counter() - begin
