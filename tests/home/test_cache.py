"""The cache: by content and code, whole or not at all, and never larger than it may be."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from glassbench.home.cache import Cache, cached, kept_in, key_of, source_digest

KEY = "ab" + "0" * 62


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache", limit=10**7, worth=0.0)


def files(cache):
    return sorted(path for path in cache.folder.rglob("*") if path.is_file())


def distances(positions, box, *, scale=1.0):
    distances.calls += 1
    return scale * np.linalg.norm(positions - positions[0], axis=1)


distances.calls = 0


def test_arrays_of_any_shape_and_type_come_back_as_they_were(cache):
    arrays = {
        "a": np.arange(12, dtype=np.int32).reshape(3, 4).T,
        "b": np.array(2.5, dtype=np.float16),
        "c": np.empty((0, 3)),
        "d": np.array([[True, False]]),
    }
    first = cache.get(KEY, lambda: arrays)
    second = cache.get(KEY, lambda: pytest.fail("it is there"))
    for name, array in arrays.items():
        for found in (first, second):
            assert found[name].dtype == array.dtype and found[name].shape == array.shape
            assert np.array_equal(found[name], array)
            with pytest.raises(ValueError, match="read-only"):
                found[name][...] = 0
    assert len(files(cache)) == 1


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "head"])
def test_a_damaged_file_is_noticed_and_made_anew(cache, damage):
    values = np.random.default_rng(0).normal(size=1000)
    cache.get(KEY, lambda: {"": values})
    (path,) = files(cache)
    content = bytearray(path.read_bytes())
    if damage == "cut":
        content = content[:-1]
    elif damage == "flip":
        content[-500] ^= 1
    elif damage == "head":
        content[0] ^= 1
    else:
        content = b""
    path.write_bytes(content)
    assert cache.read(KEY) is None
    assert np.array_equal(cache.get(KEY, lambda: {"": values})[""], values)
    assert np.array_equal(cache.read(KEY)[""], values)


def test_the_longest_unused_are_dropped(tmp_path):
    cache = Cache(tmp_path, limit=40_000, worth=0.0)
    keys = [f"{number:02d}" + "0" * 62 for number in range(8)]
    for number, key in enumerate(keys):
        cache.write(key, {"": np.full(1000, number, dtype=np.float64)})
        os.utime(cache._path(key), (number, number))
    assert cache.read(keys[0]) is None
    cache.read(keys[4])
    cache.write("ff" + "0" * 62, {"": np.zeros(1000)})
    cache.shrink()
    assert cache.usage()[1] <= 40_000
    assert cache.read(keys[4]) is not None and cache.read(keys[5]) is None
    cache.write("ee" + "0" * 62, {"": np.zeros(10_000)})
    assert cache.read("ee" + "0" * 62) is None


def test_what_is_quick_to_compute_is_not_kept(tmp_path):
    cache = Cache(tmp_path, limit=10**6, worth=0.05)
    cache.get(KEY, lambda: {"": np.zeros(3)})
    assert not files(cache)
    cache.get(KEY, lambda: time.sleep(0.06) or {"": np.zeros(3)})
    assert len(files(cache)) == 1


def test_a_disk_that_cannot_be_written_costs_nothing_but_a_warning(tmp_path, caplog):
    (tmp_path / "cache").write_text("a file where the folder should be")
    cache = Cache(tmp_path / "cache", limit=10**6, worth=0.0)
    with caplog.at_level("WARNING", "glassbench"):
        for _ in range(2):
            assert np.array_equal(cache.get(KEY, lambda: {"": np.ones(3)})[""], np.ones(3))
    assert caplog.text.count("nothing more is kept") == 1


def test_a_function_is_computed_once_for_each_content_and_parameter(tmp_path, monkeypatch):
    monkeypatch.setattr("glassbench.home.cache.WORTH", 0.0)
    monkeypatch.setattr(Cache.__init__, "__defaults__", (None, 0.0))
    rng = np.random.default_rng(1)
    positions, box = rng.normal(size=(50, 3)), np.ones(3)
    distances.calls = 0
    cached(distances, positions, box)
    cached(distances, positions, box)
    assert distances.calls == 2
    with kept_in(tmp_path):
        distances.calls = 0
        first = cached(distances, positions, box)
        assert np.array_equal(cached(distances, positions.copy(), box), first)
        assert distances.calls == 1
        assert np.allclose(cached(distances, positions, box, scale=2.0), 2 * first)
        moved = positions.copy()
        moved[7, 1] += 1e-12
        cached(distances, moved, box)
        cached(distances, positions.astype(np.float32), box)
        cached(distances, positions, None)
        assert distances.calls == 5
        with pytest.raises(TypeError, match="hand arrays on by position"):
            cached(distances, positions, box, scale=np.ones(3))


def test_the_key_knows_the_code_and_what_it_imports(tmp_path, monkeypatch):
    package = tmp_path / "made_up_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "outer.py").write_text("from .inner import two\ndef f(x):\n    return two * x\n")
    (package / "inner.py").write_text("two = 2\n")
    (package / "other.py").write_text("three = 3\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    def digest():
        source_digest.cache_clear()
        return source_digest("made_up_package.outer")

    before = digest()
    (package / "other.py").write_text("three = 4\n")
    assert digest() == before
    (package / "inner.py").write_text("two = 2.0\n")
    assert digest() != before


def test_the_source_of_a_structure_function_is_that_of_all_its_helpers():
    from glassbench.structure.neighbours import neighbour_pairs

    source_digest.cache_clear()
    arrays = (np.zeros((2, 3)), np.ones(3))
    assert key_of(neighbour_pairs, arrays, {"cutoff": 2.0}) == key_of(
        neighbour_pairs, arrays, {"cutoff": 2.0}
    )
    from glassbench.contract.folder_digest import imported_names
    from glassbench.home.cache import _file_of

    imported = set(
        imported_names(_file_of("glassbench.structure.neighbours"), neighbour_pairs.__module__)
    )
    assert "glassbench.structure.periodic_box" in imported


WRITER = """
import sys, numpy as np
from pathlib import Path
from glassbench.home.cache import Cache
cache = Cache(Path(sys.argv[1]), limit=10**9, worth=0.0)
values = np.random.default_rng(0).normal(size=200_000)
print("ready", flush=True)
while True:
    for number in range(20):
        cache.write(f"{number:02d}" + "0" * 62, {"": values + number})
"""


def test_writers_that_are_killed_and_others_at_once_leave_whole_files_alone(tmp_path):
    values = np.random.default_rng(0).normal(size=200_000)
    program = textwrap.dedent(WRITER)
    for _ in range(2):
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
            )
            for _ in range(2)
        ]
        for writer in writers:
            assert writer.stdout.readline() == "ready\n"
        time.sleep(0.5)
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
            writer.wait()
            writer.stdout.close()
    cache = Cache(tmp_path, limit=10**9, worth=0.0)
    whole = list(tmp_path.rglob("*.npz"))
    assert whole
    for path in whole:
        assert np.array_equal(cache.read(path.stem)[""], values + int(path.name[:2]))
    for path in tmp_path.rglob("*.partial"):
        os.utime(path, (0, 0))
    cache.limit = sum(path.stat().st_size for path in whole) - 1
    cache.shrink()
    assert not list(tmp_path.rglob("*.partial"))


ASKER = """
import sys, time, numpy as np
from pathlib import Path
from glassbench.home.cache import Cache
folder = Path(sys.argv[1])
cache, calls = Cache(folder / "cache", limit=10**9, worth=0.0), folder / "calls"
def compute():
    with open(calls, "a") as file:
        file.write("x")
    time.sleep(1.0)
    return {"": np.arange(5.0)}
print("ready", flush=True)
sys.stdin.readline()
assert cache.get("ab" + "0" * 62, compute)[""].tolist() == [0, 1, 2, 3, 4]
"""


def test_of_several_that_ask_at_once_one_computes(tmp_path):
    askers = [
        subprocess.Popen(
            [sys.executable, "-c", ASKER, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for asker in askers:
        assert asker.stdout.readline() == "ready\n"
    for asker in askers:
        asker.stdin.write("go\n")
        asker.stdin.flush()
    for asker in askers:
        asker.communicate()
        assert asker.returncode == 0
    assert (tmp_path / "calls").read_text() == "x"
    assert not list(tmp_path.rglob("*.lock"))
