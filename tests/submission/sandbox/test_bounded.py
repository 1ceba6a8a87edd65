"""What a stranger wrote is read within limits, or refused in one line."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest

from glassbench.contract.errors import printable
from glassbench.submission.sandbox.bounded import read_arrays, read_json
from glassbench.submission.sandbox.limits import SandboxError


def npz(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def test_plain_arrays_come_back():
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.array("word"), "c": np.int64(3)}
    found = read_arrays(npz(**arrays), "it", 10_000)
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        assert np.array_equal(found[name], array)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no zip file"),
        (b"PK\x05\x06" + bytes(10), "no zip file"),
        (npz(a=np.zeros(10**6)), "unfolds to"),
        (npz(a=np.array([{}], dtype=object)), "no objects"),
        (npz(a=np.zeros(4))[:-30], "no zip file"),
    ],
)
def test_what_is_no_file_of_plain_arrays_is_refused(data, message):
    with pytest.raises(SandboxError, match=message):
        read_arrays(data, "it", 100_000)


def test_a_header_that_promises_more_than_there_is_takes_no_memory():
    file = io.BytesIO()
    entry = io.BytesIO()
    np.lib.format.write_array(entry, np.zeros(3))
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.npy", entry.getvalue().replace(b"(3,), }    ", b"(3000000,),}"[:11]))
        lie = entry.getvalue().replace(b"'shape': (3,)", b"'shape': (9,)")
        archive.writestr("b.npy", lie)
    with pytest.raises(SandboxError):
        read_arrays(file.getvalue(), "it", 10**9)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 10**5,
        "[" * 70 + "]" * 70,
        '{"a":' * 260 + "1" + "}" * 260,
        "1" * 10**5,
        "{",
        '{"a": NaN}',
        '{"a": 1, "a": 2}',
        b"\xff\xfe\x00\xd8",
    ],
)
def test_json_bombs_are_refused(text):
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(SandboxError):
        read_json(data, "it")


def test_a_document_that_is_too_long_is_not_parsed():
    with pytest.raises(SandboxError, match="at most 100 are read"):
        read_json(json.dumps(list(range(100))).encode(), "it", 100)


def test_text_of_strangers_moves_no_cursor():
    assert printable("a\x1b[31mb\x07\u202ec\nd") == "a [31mb c d"
    assert len(printable("x" * 10**6)) == 400
