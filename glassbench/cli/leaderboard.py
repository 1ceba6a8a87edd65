"""`glassbench leaderboard`: build the pages, release them and look at them."""

from __future__ import annotations

import re
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..contract.errors import WordError
from ..home.workspace import content_folder
from .output import Asked, Result, absolute, command, new_group, say

if TYPE_CHECKING:
    from ..pages import BuildReport

app = new_group(help="Build the pages of the leaderboard, release or serve them.")


@app.command()
@command("out records trusted url")
def build(asked: Asked) -> Result:
    """Build the pages of the leaderboard.

    [out=FOLDER] [records=FOLDER] [trusted=FILE.toml] [url=ADDRESS]

    Records are read from the leaderboard's own folder or from `records=`, such as that of a
    workspace; explanations from the folder `explain` beside it. The pages work from the folder,
    from any web host, and without a network. `url=` is their address, for the links of the feed.
    Signatures are checked by the leaderboard's keys, or those of `trusted=`.
    """
    begin = time.perf_counter()
    report = _build(asked)
    seconds = time.perf_counter() - begin
    index = report.folder / "index.html"
    counts = (
        f"{report.records} records, {report.files} files, {report.written} of them new or "
        f"changed, {report.removed} removed, {seconds:.1f} s"
    )
    plain = asdict(report) | {"index": index, "seconds": round(seconds, 3)}
    return Result(plain, [counts, str(index)], notes=report.problems)


@app.command()
@command("out records trusted url", plain="VERSION")
def release(asked: Asked) -> Result:
    """Build the pages into a new folder that stays as it is, with the digest of every file.

    VERSION [out=FOLDER] [records=FOLDER] [trusted=FILE.toml] [url=ADDRESS]

    The folder, `leaderboard-VERSION` where `out=` names no other, must not exist. `manifest.json`
    in it names the sha256 of each file; deposit the folder where it gets a DOI. With `url=`, the
    address below which the release will lie as VERSION/, exports and citations carry it.
    """
    from ..pages import write_manifest

    version = asked.one("the version", "2026.11")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", version):
        raise WordError(f"version {version!r}: letters, digits, `.`, `_` and `-`, as 2026.11")
    folder = absolute(asked.values.get("out", f"leaderboard-{version}"))
    if folder.exists():
        raise WordError(f"{folder} exists, and a release is never changed: name another with out=")
    report = _build(asked, folder, version)
    digest = write_manifest(report.folder, version, report.records)
    plain = {"folder": report.folder, "version": version, "manifest_sha256": digest}
    lines = [f"{report.files} files of {report.records} records in {report.folder}"]
    return Result(plain, [*lines, f"sha256 of manifest.json: {digest}"])


@app.command()
@command("out records trusted port open")
def serve(asked: Asked) -> None:
    """Build the pages, serve them on this machine and open them in a browser.

    [out=FOLDER] [records=FOLDER] [trusted=FILE.toml] [port=8000] [open=on|off]
    """
    import webbrowser

    from ..pages import make_server

    port, opens = asked.count("port", 8000), asked.switch("open", "on")
    report = _build(asked)
    for problem in report.problems:
        say(problem)
    try:
        server = make_server(report.folder, port)
    except (OSError, OverflowError) as error:
        raise WordError(f"port {port} cannot be used ({error}): name another with port=") from None
    with server:
        address = f"http://127.0.0.1:{port}/"
        say(f"serving {report.folder} at {address}, until Ctrl-C")
        if opens:
            webbrowser.open(address)
        server.serve_forever()


def _build(asked: Asked, out: Path | None = None, version: str = "") -> BuildReport:
    from ..pages import build_site, read_sources

    records = asked.path("records") or content_folder("leaderboard") / "records"
    if not records.is_dir():
        raise WordError(f"records={records}: there is no such folder")
    address = asked.values.get("url", "").rstrip("/")
    if address and not address.startswith(("https://", "http://")):
        raise WordError(f"url={address} is not an address: begin with https:// or http://")
    if address:
        address = "/".join(filter(None, (address, version))) + "/"
    out = out or absolute(asked.values.get("out", "leaderboard-site"))
    return build_site(read_sources(records, asked.path("trusted")), out, address)
