"""Verification names every file that is missing, altered or too many."""

from __future__ import annotations

import shutil
import zipfile

import pytest

from glassbench.datasets.manifest import manifest_path, pack_store, verify

CHUNK = "T0.64/propensity/c/1/0/0"


def found(path) -> set[tuple[str, str]]:
    return {(finding.kind, finding.member) for finding in verify(path)}


@pytest.fixture
def store(make_store):
    return make_store()[0]


@pytest.fixture
def archive(store, tmp_path):
    return pack_store(store, tmp_path / "small.zarr.zip")


def test_a_whole_store_has_no_findings(store, archive):
    assert verify(store) == []
    assert verify(archive) == []


def test_a_deleted_chunk_is_missing_and_the_digest_differs(store):
    (store / CHUNK).unlink()
    assert found(store) == {("missing", CHUNK), ("digest", "")}


def test_a_flipped_bit_is_altered_and_unreadable(store):
    content = bytearray((store / CHUNK).read_bytes())
    content[10] ^= 4
    (store / CHUNK).write_bytes(content)
    assert found(store) == {("altered", CHUNK), ("unreadable", "")}


def test_a_chunk_of_another_configuration_is_altered_though_its_checksum_holds(store):
    shutil.copy(store / "T0.64/propensity/c/0/0/0", store / CHUNK)
    assert found(store) == {("altered", CHUNK), ("digest", "")}


def test_an_extra_file_is_named(store):
    (store / "T0.64/propensity/c/9.partial").write_bytes(b"left over")
    assert found(store) == {("extra", "T0.64/propensity/c/9.partial")}


def test_changed_metadata_is_altered(store):
    metadata = store / "T0.64" / "propensity" / "zarr.json"
    metadata.write_text(metadata.read_text().replace("sigma_AA", "nm"))
    assert ("altered", "T0.64/propensity/zarr.json") in found(store)
    assert ("digest", "") in found(store)


def test_a_lost_root_is_told(store):
    (store / "zarr.json").write_text("{")
    assert {("altered", "zarr.json"), ("digest", "")} == found(store)


def test_without_a_manifest_the_digest_still_speaks(store):
    manifest_path(store).unlink()
    assert {kind for kind, _ in found(store)} == {"manifest"}
    (store / CHUNK).unlink()
    assert {kind for kind, _ in found(store)} == {"manifest", "digest"}


def test_a_flipped_bit_in_a_zip_is_found(archive):
    with zipfile.ZipFile(archive) as opened:
        where = opened.getinfo(CHUNK).header_offset
    content = bytearray(archive.read_bytes())
    content[where + 30 + len(CHUNK) + 20] ^= 1
    archive.write_bytes(content)
    assert found(archive) == {("unreadable", CHUNK), ("unreadable", "")}


def test_a_member_taken_out_of_a_zip_is_found(archive, tmp_path):
    other = tmp_path / "other.zarr.zip"
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(other, "w") as target:
        for name in source.namelist():
            if name != CHUNK:
                target.writestr(name, source.read(name))
    shutil.copy(manifest_path(archive), manifest_path(other))
    assert found(other) == {("missing", CHUNK), ("digest", "")}
