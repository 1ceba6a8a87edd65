"""A pickle of a stranger gives arrays and containers, or is refused; nothing in it runs."""

from __future__ import annotations

import builtins
import os
import pickle
import struct
from collections import Counter
from decimal import Decimal
from importlib import import_module

import numpy as np
import pytest

from glassbench.contract.errors import SourceError
from glassbench.plugins.task_modules import find_reader

PICKLES = import_module("._pickles", find_reader("bapst").load().__package__)
ADMITTED, load_restricted = PICKLES.ADMITTED, PICKLES.load_restricted
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


@pytest.fixture
def load(tmp_path):
    def load(content: bytes):
        path = tmp_path / "file.pickle"
        path.write_bytes(content)
        return load_restricted(path)

    return load


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_arrays_scalars_and_containers_survive(load, protocol):
    shared = np.arange(3)
    given = {
        "floats": np.random.default_rng(0).normal(size=(4, 3)),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "big_endian": np.arange(3, dtype=">i4"),
        "strings": np.array(["a", "bc"]),
        "empty": np.empty((0, 3), dtype=np.float32),
        "flags": np.array([True, False]),
        "scalars": [np.float32(1.5), np.int64(-3), np.bool_(True)],
        "plain": (1, 2.5, "text", b"bytes", None, True, 1j, 10**30),
        "sets": [{1, 2}, frozenset({3}), bytearray(b"x")],
        "shared": [shared, shared],
    }
    found = load(pickle.dumps(given, protocol=protocol))
    assert found.keys() == given.keys()
    for name in ("floats", "fortran", "big_endian", "strings", "empty", "flags"):
        assert np.array_equal(found[name], given[name])
        assert found[name].dtype == given[name].dtype
    assert found["scalars"] == given["scalars"]
    assert [type(x) for x in found["scalars"]] == [np.float32, np.int64, np.bool_]
    assert found["plain"] == given["plain"]
    assert found["sets"] == given["sets"]
    assert found["shared"][0] is found["shared"][1]
    found["floats"][0] = 0.0


class Calls:
    """Pickles as a call of any function."""

    def __init__(self, function, *arguments) -> None:
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {"positions": [1, (x,)]}])
def test_calls_of_the_system_are_refused_and_do_not_run(load, tmp_path, protocol, wrap):
    marker = tmp_path / "it ran"
    for call in (
        Calls(os.system, f"touch '{marker}'"),
        Calls(builtins.eval, f"open({str(marker)!r}, 'w')"),
        Calls(builtins.exec, f"open({str(marker)!r}, 'w')"),
        Calls(builtins.open, str(marker), "w"),
        Calls(builtins.__import__, "this"),
        Calls(builtins.getattr, "text", "upper"),
        Calls(np.savetxt, str(marker), [1.0]),
        Calls(np.load, str(marker)),
        Calls(np.ndarray, (3,)),
        Calls(Decimal, "1"),
        Calls(Counter, "aab"),
    ):
        with pytest.raises(SourceError, match="is refused"):
            load(pickle.dumps(wrap(call), protocol=protocol))
        assert not marker.exists()


def by_name(module: str, name: str, argument: bytes) -> bytes:
    """A protocol-4 pickle that finds a function by strings on the stack and calls it."""
    parts = [b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, name)]
    return b"\x80\x04" + b"".join(parts) + b"\x93" + argument + b"\x85R."


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("posix", "system"),
        ("builtins", "eval"),
        ("numpy", "ndarray.tofile"),
        ("numpy.core.multiarray", "fromfile"),
        ("numpy._core.multiarray", "_reconstruct.__globals__"),
        ("_codecs", "decode"),
        ("copyreg", "_reconstructor"),
    ],
)
def test_names_that_are_put_together_at_run_time_are_refused(load, module, name):
    with pytest.raises(SourceError, match="is refused"):
        load(by_name(module, name, b"\x8c\x04true"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (pickle.dumps(np.array([{"a": 1}], dtype=object)), "numpy type 'O"),
        (pickle.dumps(np.zeros(2, dtype=[("x", "f8")])), "numpy type"),
        (pickle.dumps(np.array(["2020-01-01"], dtype="M8[D]")), "numpy type"),
        (pickle.dumps(np.zeros(2).view(np.recarray)), "numpy.*recarray"),
        (b"(ios\nsystem\n.", "opcode INST"),
        (b"Psome id\n.", "opcode PERSID"),
        (b"\x80\x02\x82\x01.", "opcode EXT1"),
        (b"\x80\x02]r" + struct.pack("<I", 2**31) + b".", "memo slot"),
        (b"cbuiltins\nset\n.", "where a value should be"),
        (b"cnumpy\nndarray\n)R.", "calls numpy.ndarray"),
        (b"c_codecs\nencode\n}X\x01\x00\x00\x00aK\x01sb.", "changes a function"),
        (b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x05\x00\x00\x00zlib_tR.", "codec other than"),
        (b"cbuiltins\nbytearray\n(J\xff\xff\xff\x7ftR.", "makes a bytearray"),
    ],
)
def test_other_ways_in_are_refused(load, content, reason):
    with pytest.raises(SourceError, match=rf"is refused.*{reason}"):
        load(content)


def test_a_refused_pickle_changes_nothing_for_the_next(load):
    """BUILD with a slot state would set attributes of whatever stands on the stack."""
    content = b"cbuiltins\ncomplex\n(N}X\x09\x00\x00\x00_functionK\x01stb."
    before = dict(ADMITTED)
    with pytest.raises(SourceError, match="is refused"):
        load(content)
    assert before == ADMITTED
    assert load(pickle.dumps(1j)) == 1j


def test_an_array_with_too_few_bytes_is_refused(load):
    content = pickle.dumps(np.arange(4.0), protocol=2)
    with pytest.raises(SourceError, match=r"shape \(9,\) with 32 bytes"):
        load(content.replace(b"K\x04\x85", b"K\x09\x85"))


@pytest.mark.parametrize("length", [0, 1, 20, 100, -1])
def test_a_truncated_pickle_is_named(load, length):
    content = pickle.dumps({"positions": np.arange(30.0)})
    with pytest.raises(SourceError, match=r"file\.pickle is (cut off|refused)"):
        load(content[:length])


def test_nested_tuples_are_no_bomb(load):
    value: tuple = (1,)
    for _ in range(60):
        value = (value, value)
    assert load(pickle.dumps(value))
