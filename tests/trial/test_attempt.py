"""Folders of plugins are kept in the workspace as they were when a run was planned."""

import os

import pytest

from glassbench.contract.folder_digest import folder_digest
from glassbench.trial.attempt import holds, keep_folder


@pytest.fixture
def plugin(tmp_path):
    folder = tmp_path / "plugin"
    (folder / "weights").mkdir(parents=True)
    (folder / "model.py").write_text("answer = 42\n")
    (folder / "weights" / "a.bin").write_bytes(os.urandom(1000))
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "model.pyc").write_bytes(b"x")
    return folder


def test_a_copy_has_the_digest_and_no_caches(plugin, tmp_path):
    digest = folder_digest(plugin)
    copy = keep_folder(plugin, digest, tmp_path / "sources")
    assert copy.name == digest and holds(copy, digest)
    assert not (copy / "__pycache__").exists()
    assert [path.name for path in copy.parent.iterdir()] == [digest]


def test_the_copy_of_a_model_of_a_package_has_the_digest_that_counts_its_helpers(tmp_path):
    package = tmp_path / "site" / "myglass"
    model = package / "model"
    model.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "common.py").write_text("SIGN = 1\n")
    (model / "model.py").write_text("from myglass.common import SIGN\n")
    digest = folder_digest(model)
    copy = keep_folder(model, digest, tmp_path / "sources")
    assert holds(copy, digest) and holds(model, digest)
    (package / "common.py").write_text("SIGN = -1\n")
    assert not holds(model, digest)


def test_a_changed_copy_is_replaced_and_a_good_one_is_kept(plugin, tmp_path):
    digest = folder_digest(plugin)
    copy = keep_folder(plugin, digest, tmp_path / "sources")
    (copy / "model.py").write_text("answer = 43\n")
    assert holds(keep_folder(plugin, digest, tmp_path / "sources"), digest)
    written = (copy / "model.py").stat().st_mtime_ns
    keep_folder(plugin, digest, tmp_path / "sources")
    assert (copy / "model.py").stat().st_mtime_ns == written
