"""Archives: nothing is written outside of the folder, and nothing is left after a refusal."""

from __future__ import annotations

import io
import stat
import zipfile

import pytest

from glassbench.submission.sandbox.bounded import unpack_archive, write_archive
from glassbench.submission.sandbox.limits import SandboxError


def member(name: str, kind: int = stat.S_IFREG) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (kind | 0o777) << 16
    return entry


def archive(path, *members, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as file:
        for entry, data in members:
            file.writestr(entry, data, method)
    return path


@pytest.fixture
def place(tmp_path):
    """Return a folder to unpack into, beside which nothing may appear."""
    folder = tmp_path / "a" / "folder"
    folder.mkdir(parents=True)
    return folder


ESCAPES = {
    "upwards": [(member("../escaped"), "x")],
    "upwards within": [(member("model/../../escaped"), "x")],
    "absolute": [(member("/tmp/glassbench-escaped"), "x")],
    "backslash": [(member("..\\escaped"), "x")],
    "drive": [(member("C:/escaped"), "x")],
    "link": [(member("link", stat.S_IFLNK), "/etc")],
    "through a link": [(member("link", stat.S_IFLNK), ".."), (member("link/escaped"), "x")],
    "device": [(member("null", stat.S_IFCHR), "")],
    "twice": [(member("a"), "x"), (member("A"), "y")],
    "file and folder": [(member("a"), "x"), (member("a/b"), "y")],
    "empty part": [(member("a//b"), "x")],
    "dot": [(member("./a"), "x")],
    "control characters": [(member("a\x1b[2J"), "x")],
    "hidden": [(member(".helpers"), "x")],
    "in a hidden folder": [(member("model/.git/config"), "x")],
    "bytecode": [(member("model/__pycache__/model.cpython-311.pyc"), "x")],
    "too deep": [(member("a/" * 40 + "b"), "x")],
    "too long": [(member("a" * 3000), "x")],
}


@pytest.mark.attempt("a member of an archive leads elsewhere")
@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ESCAPES)
def test_a_member_that_leads_elsewhere_is_refused(name, place, tmp_path):
    good = (member("good.txt"), "good")
    path = archive(tmp_path / "evil.zip", good, *ESCAPES[name])
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SandboxError):
        unpack_archive(path, place)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_bomb_is_refused_before_it_unfolds(place, tmp_path):
    bomb = (member("zeros"), bytes(2**22))
    path = archive(tmp_path / "bomb.zip", bomb, method=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 2**14
    with pytest.raises(SandboxError, match="at most"):
        unpack_archive(path, place, max_bytes=2**20)
    many = archive(tmp_path / "many.zip", *((member(f"{n}"), "") for n in range(5001)))
    with pytest.raises(SandboxError, match="5001 files"):
        unpack_archive(many, place)
    assert not list(place.iterdir())


def test_a_long_table_of_contents_is_refused_before_it_is_read(place, tmp_path):
    names = ((member("a" * 150 + f"{number:06}"), "") for number in range(20_000))
    path = archive(tmp_path / "table.zip", *names)
    with pytest.raises(SandboxError, match="has a table of"):
        unpack_archive(path, place)


def test_a_member_that_is_longer_than_it_says_is_refused(place, tmp_path):
    path = archive(tmp_path / "lie.zip", (member("a"), bytes(1000)), method=zipfile.ZIP_DEFLATED)
    data = path.read_bytes()
    size = (1000).to_bytes(4, "little")
    assert data.count(size) == 2
    path.write_bytes(data.replace(size, (10).to_bytes(4, "little")))
    with pytest.raises(SandboxError):
        unpack_archive(path, place)
    assert not list(place.iterdir())


def test_what_was_written_comes_back_and_equal_files_give_equal_bytes(place, tmp_path):
    source = tmp_path / "source.txt"
    source.write_text("from a file")
    files = {"a/b.txt": source, "c.bin": bytes(range(256))}
    digests = {write_archive(tmp_path / f"{n}.zip", files) for n in range(2)}
    assert len(digests) == 1
    assert sorted(unpack_archive(tmp_path / "0.zip", place)) == sorted(files)
    assert (place / "a/b.txt").read_text() == "from a file"
    assert (place / "c.bin").read_bytes() == bytes(range(256))
    assert zipfile.is_zipfile(io.BytesIO((tmp_path / "0.zip").read_bytes()))
