"""Files imported on Ray make the dataset that this machine makes."""

import os
from functools import partial
from operator import mul
from pathlib import Path

import pytest

from glassbench.cluster import ClusterError
from glassbench.cluster import functions as ray_functions
from glassbench.cluster.functions import open_import_run, run_on_ray


def test_all_functions_are_run_and_few_stand_in_the_cluster(two_cores, monkeypatch):
    most, wait = [], ray_functions.ray.wait
    monkeypatch.setattr(
        ray_functions.ray, "wait", lambda given, **k: most.append(len(given)) or wait(given, **k)
    )
    functions = [partial(mul, number, 2) for number in range(20)]
    assert sorted(run_on_ray(functions, 2)) == list(range(0, 40, 2))
    assert max(most) == 4


def test_a_node_that_does_not_see_the_files_is_named(two_cores, tmp_path):
    with pytest.raises(ClusterError, match=r"does not see .*elsewhere.*that all nodes share"):
        list(run_on_ray([os.getpid], 2, seen=(tmp_path / "elsewhere",)))


def test_a_function_that_raises_ends_the_import_with_its_words(two_cores):
    with pytest.raises(ClusterError, match="invalid literal"):
        list(run_on_ray([partial(int, "seven")], 2))


def test_the_nodes_are_asked_for_the_source_and_the_home(two_cores, tmp_path):
    with open_import_run(tmp_path, tmp_path, "local") as run:
        assert run.func is run_on_ray
        assert list(run([os.getpid])) != [os.getpid()]
        assert all(Path(path).exists() for path in run.keywords["seen"])
        mark = run.keywords["seen"][1]
    assert not mark.exists()


def test_without_a_cluster_files_are_read_here(tmp_path, monkeypatch):
    monkeypatch.setattr("glassbench.cluster.functions.address_of", lambda word: "")
    monkeypatch.setattr("ray.is_initialized", lambda: False)  # other tests may have opened it
    with open_import_run(tmp_path, tmp_path, "auto") as run:
        assert run is None
    with open_import_run(tmp_path, tmp_path, "none", workers=2) as run:
        assert run is not None and getattr(run, "func", None) is not run_on_ray
