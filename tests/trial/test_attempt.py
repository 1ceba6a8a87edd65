"""Folders of plugins that travel as bytes."""

import io
import os
import tarfile

import pytest

from glassbench.cluster import ClusterError
from glassbench.contract.folder_digest import folder_digest
from glassbench.trial.attempt import holds, pack_folder, unpack_folder


@pytest.fixture
def plugin(tmp_path):
    folder = tmp_path / "plugin"
    (folder / "weights").mkdir(parents=True)
    (folder / "model.py").write_text("answer = 42\n")
    (folder / "weights" / "a.bin").write_bytes(os.urandom(1000))
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "model.pyc").write_bytes(b"x")
    return folder


def test_a_folder_arrives_with_its_digest_and_without_caches(plugin, tmp_path):
    digest = folder_digest(plugin)
    arrived = unpack_folder(pack_folder(plugin), digest, tmp_path / "sources")
    assert arrived.name == digest and holds(arrived, digest)
    assert not (arrived / "__pycache__").exists()
    assert [path.name for path in arrived.parent.iterdir()] == [digest]


def test_a_model_of_a_package_arrives_with_the_digest_that_counts_its_helpers(tmp_path):
    package = tmp_path / "site" / "myglass"
    model = package / "model"
    model.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "common.py").write_text("SIGN = 1\n")
    (model / "model.py").write_text("from myglass.common import SIGN\n")
    digest = folder_digest(model)
    arrived = unpack_folder(pack_folder(model), digest, tmp_path / "sources")
    assert holds(arrived, digest) and holds(model, digest)
    (package / "common.py").write_text("SIGN = -1\n")
    assert not holds(model, digest)


def test_equal_folders_give_equal_bytes(plugin, tmp_path):
    before = pack_folder(plugin)
    os.utime(plugin / "model.py", (0, 0))
    os.chmod(plugin / "model.py", 0o600)
    assert pack_folder(plugin) == before


def test_what_was_changed_on_arrival_is_replaced_and_what_is_there_is_kept(plugin, tmp_path):
    archive, digest = pack_folder(plugin), folder_digest(plugin)
    arrived = unpack_folder(archive, digest, tmp_path / "sources")
    (arrived / "model.py").write_text("answer = 43\n")
    assert holds(unpack_folder(archive, digest, tmp_path / "sources"), digest)
    written = (arrived / "model.py").stat().st_mtime_ns
    unpack_folder(archive, digest, tmp_path / "sources")
    assert (arrived / "model.py").stat().st_mtime_ns == written


def test_a_wrong_archive_leaves_nothing(plugin, tmp_path):
    with pytest.raises(ClusterError, match="was announced"):
        unpack_folder(pack_folder(plugin), "0" * 64, tmp_path / "sources")
    assert not list((tmp_path / "sources").iterdir())


def test_an_archive_cannot_write_outside_its_folder(tmp_path):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("../escaped")
        entry.size = 1
        archive.addfile(entry, io.BytesIO(b"x"))
    with pytest.raises(tarfile.OutsideDestinationError):
        unpack_folder(buffer.getvalue(), "0" * 64, tmp_path / "sources")
    assert not (tmp_path / "escaped").exists()
    assert not list((tmp_path / "sources").iterdir())
