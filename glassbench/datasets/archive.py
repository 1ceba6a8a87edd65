"""A store as one zip file: how embedded datasets are shipped."""

from __future__ import annotations

import zipfile
from pathlib import Path

from ..home.files import whole_file
from .errors import DatasetError
from .manifest import write_manifest
from .opening import member_names, open_group, read_members, store_path


def pack_store(directory: Path | str, destination: Path) -> Path:
    """Copy a finished directory store into one zip file, with a manifest beside it.

    The same store gives the same bytes: members are sorted, uncompressed (chunks
    are compressed already) and carry a fixed date.
    """
    source = store_path(directory)
    digest = open_group(source).attrs.get("content_digest")
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
