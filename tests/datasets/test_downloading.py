"""Downloads from servers that cut connections and send wrong bytes; never from the internet."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from glassbench.contract.errors import UserError
from glassbench.datasets import downloading
from glassbench.datasets.downloading import MIRROR, Download, fetch, list_downloads
from glassbench.plugins.registry import load_task

FILES = {f"T0.44/train/{k}.npz": bytes([k]) * 50_000 for k in range(4)}


class Server(ThreadingHTTPServer):
    """Serves `FILES`; the first answers for a path in `cut` end early, `wrong` has another byte."""

    cut: set[str] = set()
    wrong: set[str] = set()
    asked: list[str] = []
    more: dict[str, bytes] = {}
    pause = 0.0


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        name = self.path.partition("/small/")[2]
        self.server.asked.append(name)
        content = (FILES | self.server.more).get(name)
        if content is None:
            self.send_error(404)
            return
        if name in self.server.wrong:
            content = content[:-1] + b"?"
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if name in self.server.cut:
            self.server.cut.discard(name)
            self.wfile.write(content[:1000])
            self.connection.close()
            return
        time.sleep(self.server.pause)
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(downloading, "TRIES", 1)
    server = Server(("127.0.0.1", 0), Handler)
    server.cut, server.wrong, server.asked, server.more = set(), set(), [], {}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def small(server):
    return Download(
        name="small",
        title="a few files",
        url=f"http://127.0.0.1:{server.server_port}/small/",
        reader="botan",
        licence="CC0",
        megabytes=0.2,
        files={name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()},
    )


def test_files_are_fetched_once_and_a_cut_connection_is_tried_again(tmp_path, server, small):
    cut, *_ = FILES
    server.cut = {cut}
    seen = []
    folder = fetch(small, tmp_path / "small", lambda *event: seen.append(event))
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
    assert [done for done, _, _ in seen] == [1, 2, 3, 4]
    assert server.asked.count(cut) == 2
    server.asked.clear()
    fetch(small, folder)
    assert not server.asked
    (folder / cut).write_bytes(b"damaged")
    fetch(small, folder)
    assert server.asked == [cut]


def test_a_wrong_byte_and_a_missing_file_are_told_with_the_way_by_hand(tmp_path, server, small):
    name, *_ = FILES
    server.wrong = {name}
    with pytest.raises(UserError) as caught:
        fetch(small, tmp_path / "small")
    said = str(caught.value)
    assert f"{name} is not the file that was published" in said
    assert f"`glassbench data import botan {tmp_path / 'small'} name=small`" in said
    assert not (tmp_path / "small" / name).exists()
    gone = small.model_copy(update={"files": {"other.npz": "0" * 64}})
    with pytest.raises(UserError, match=r"other\.npz cannot be had \(HTTPError"):
        fetch(gone, tmp_path / "small")


def test_a_mirror_is_asked_instead(tmp_path, server, small, monkeypatch):
    monkeypatch.setenv(MIRROR, f"http://127.0.0.1:{server.server_port}")
    elsewhere = small.model_copy(update={"url": "http://127.0.0.1:9/nowhere/"})
    assert fetch(elsewhere, tmp_path / "small").is_dir()
    monkeypatch.delenv(MIRROR)
    with pytest.raises(UserError, match="ConnectionError"):
        fetch(elsewhere, tmp_path / "other")


@pytest.fixture
def record(server):
    """A download whose files, sizes and checksums a record states, as Zenodo's do."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in FILES.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    server.more = {"T0.44.tar.gz": packed.getvalue(), "notes.txt": b"notes"}
    base = f"http://127.0.0.1:{server.server_port}/small/"
    stated = [
        {
            "key": name,
            "size": len(content),
            "checksum": f"md5:{hashlib.md5(content).hexdigest()}",
            "links": {"self": base + name},
        }
        for name, content in server.more.items()
    ]
    stated.append({"key": "../out.txt", "checksum": "md5:0", "links": {"self": base + "out"}})
    server.more["record"] = json.dumps({"files": stated}).encode()
    lines = [f"{one['key']} {one['checksum']}" for one in stated[:-1]]
    server.more["registry.txt"] = "\n".join(lines).encode()
    return Download(
        name="small", title="a record", record=base + "record", reader="botan", licence="CC0"
    )


def test_a_record_states_files_and_checksums_and_archives_are_unpacked(tmp_path, server, record):
    folder = fetch(record, tmp_path / "small", patterns=["*0.44*"])
    assert not (folder / "notes.txt").exists() and not (tmp_path / "out.txt").exists()
    for name, content in FILES.items():
        assert (folder / "T0.44" / name).read_bytes() == content
    server.asked.clear()
    fetch(record, folder)
    assert server.asked == ["record", "notes.txt"]
    with pytest.raises(UserError, match="fits none of small: T0.44.tar.gz, notes.txt"):
        fetch(record, folder, patterns=["*0.50*"])
    server.wrong = {"notes.txt"}
    with pytest.raises(UserError, match=r"notes\.txt is not the file that was published"):
        fetch(record, tmp_path / "other")


def test_a_mirror_of_a_record_has_a_registry(tmp_path, server, record, monkeypatch):
    monkeypatch.setenv(MIRROR, f"http://127.0.0.1:{server.server_port}")
    offline = record.model_copy(update={"record": "http://127.0.0.1:9/record"})
    assert (fetch(offline, tmp_path / "small") / "notes.txt").read_bytes() == b"notes"
    people = offline.model_copy(update={"record": "", "page": "https://example.org/data"})
    assert (fetch(people, tmp_path / "again") / "notes.txt").is_file()
    monkeypatch.delenv(MIRROR)
    with pytest.raises(UserError, match=r"127\.0\.0\.1:9/record cannot be had \(ConnectionError"):
        fetch(offline, tmp_path / "third")
    with pytest.raises(UserError, match=r"see https://example\.org/data.*import botan"):
        fetch(people, tmp_path / "third")


def test_a_server_that_is_too_slow_is_told(tmp_path, server, small, monkeypatch):
    monkeypatch.setattr(downloading, "PATIENCE", 0.1)
    monkeypatch.setattr(downloading, "TRIES", 0)
    server.pause = 0.6
    with pytest.raises(UserError, match="cannot be had"):
        fetch(small, tmp_path / "small")


@pytest.mark.parametrize(
    ("dataset", "under", "above"),
    [("published_small", "botan_small", "T0.44/"), ("bapst_test", "glassy_dynamics", "test/")],
)
def test_the_published_files_have_the_pinned_digests(shared_data, dataset, under, above):
    entry = list_downloads(load_task("ka_propensity"))[dataset]
    for name, digest in entry.files.items():
        content = (shared_data / under / name.removeprefix(above)).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest
