"""A store as files: its manifest, since a lost chunk reads as NaN in silence, and its zip."""

from __future__ import annotations

import hashlib
import json
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..contract.errors import DatasetError
from ..home.files import whole_file, write_file
from .digest import content_digest
from .opening import member_names, open_group, read_members, store_path


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a store.

    `kind` is `missing`, `altered`, `extra`, `unreadable`, `manifest` or `digest`;
    `member` is the file it concerns, empty for the store as a whole.
    """

    kind: str
    member: str
    message: str


def manifest_path(path: Path | str) -> Path:
    """Return where the manifest of a store lies: beside it, under its name."""
    store = store_path(path)
    return store.with_name(f"{store.name}.manifest.json")


def write_manifest(path: Path | str, digest: str) -> Path:
    """Write the manifest of a finished store, whole or not at all; return its path."""
    members = {}
    for name, content in read_members(path, member_names(path)):
        if isinstance(content, Exception):
            raise DatasetError(f"{name} of {path} cannot be read: {content}")
        members[name] = hashlib.sha256(content).hexdigest()
    target = manifest_path(path)
    manifest = {"content_digest": digest, "sha256": members}
    write_file(target, json.dumps(manifest, indent=0, sort_keys=True) + "\n")
    return target


def verify(path: Path | str) -> list[Fault]:
    """Compare every file of a store with its manifest, and recompute the content digest."""
    findings = _compare_members(path)
    stated = None
    with suppress(DatasetError):
        stated = open_group(path).attrs.get("content_digest")
    if stated is None:
        message = f"the root of {path} states no content digest: get a new copy"
        return [*findings, Fault("digest", "", message)]
    try:
        digest = content_digest(path)
    except Exception as error:  # whatever the codec library raises on a damaged chunk
        message = f"the content cannot be read, so the digest cannot be computed: {error}"
        return [*findings, Fault("unreadable", "", message)]
    if digest != stated:
        message = f"the content has the digest {digest}, the root states {stated}"
        findings.append(Fault("digest", "", message))
    return findings


def _compare_members(path: Path | str) -> list[Fault]:
    where = manifest_path(path)
    try:
        expected = json.loads(where.read_text(encoding="utf-8"))["sha256"]
    except FileNotFoundError:
        message = f"there is no manifest {where.name} beside the store: copy it along"
        return [Fault("manifest", "", message)]
    except (ValueError, KeyError, TypeError) as error:
        return [Fault("manifest", "", f"{where} cannot be read: {error}")]
    present = set(member_names(path))
    findings = [
        Fault("missing", name, f"{name} is in the manifest and not in the store")
        for name in sorted(expected.keys() - present)
    ]
    for name, content in read_members(path, sorted(present & expected.keys())):
        if isinstance(content, Exception):
            findings.append(Fault("unreadable", name, f"{name} cannot be read: {content}"))
        elif hashlib.sha256(content).hexdigest() != expected[name]:
            findings.append(Fault("altered", name, f"{name} is not what the manifest says"))
    findings += [
        Fault("extra", name, f"{name} is in the store and not in the manifest")
        for name in sorted(present - expected.keys())
    ]
    return findings


def pack_store(directory: Path | str, destination: Path) -> Path:
    """Copy a finished directory store into one zip file, with a manifest beside it.

    The same store gives the same bytes: members are sorted, uncompressed (chunks
    are compressed already) and carry a fixed date.
    """
    source = store_path(directory)
    digest = str(open_group(source).attrs.get("content_digest", ""))
    if not digest:
        raise DatasetError(f"{source} has no content digest: finish it before packing")
    if source.is_file():
        raise DatasetError(f"{source} is a zip file already")
    with (
        whole_file(destination) as partial,
        zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive,
    ):
        for name, content in read_members(source, member_names(source)):
            if isinstance(content, Exception):
                raise DatasetError(f"{name} of {source} cannot be read: {content}")
            member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            member.external_attr = 0o644 << 16
            archive.writestr(member, content)
    write_manifest(destination, digest)
    return destination
