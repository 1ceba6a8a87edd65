"""Published files by one command: fetched through pooch, each held to its checksum.

`downloads.toml` in a task's folder names, by dataset, where its files lie and the reader that
imports them. Checksums are pinned there, or stated by the record of an archive such as Zenodo.
"""

from __future__ import annotations

import logging
import os
import shutil
import tarfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import Field

from ..contract.checked import Checked, Name, Text, checked, read_toml
from ..contract.errors import DatasetError, UserError
from ..contract.task import Task

FILE = "downloads.toml"
# Another place that holds the files of the datasets, in folders of their names.
MIRROR = "GLASSBENCH_DATA_URL"
AT_ONCE, TRIES, PATIENCE = 4, 3, 30.0
# What a mirror of a record holds: lines of a file's name and its checksum, as md5:….
REGISTRY = "registry.txt"
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")


class Download(Checked):
    """One dataset to be had.

    Attributes
    ----------
    url : where the files lie; empty where only people find them, at `page`
    record : address of a record of Zenodo as JSON, which names files, sizes and checksums
    page : what people read about the data
    files : by path here, the sha256 of each
    paths : by path here, the path below `url`, where it is another
    megabytes : of all files; 0 where only the record says
    """

    name: Name
    title: Text
    url: str = ""
    record: str = ""
    page: str = ""
    reader: Name
    licence: Text
    megabytes: Annotated[float, Field(ge=0)] = 0
    files: Mapping[Text, Text] = {}
    paths: Mapping[Text, Text] = {}

    @property
    def size(self) -> str:
        return f"{self.megabytes:.0f} MB" if self.megabytes else "of the size that its record says"


def list_downloads(task: Task) -> dict[str, Download]:
    """Return what a task's `downloads.toml` names, nothing where it has none."""
    path = task.folder / FILE
    if not path.is_file():
        return {}
    tables = read_toml(path, DatasetError)
    return {
        name: checked(Download, {**table, "name": name}, f"{path} [{name}]", DatasetError)
        for name, table in tables.items()
    }


def fetch(
    download: Download,
    folder: Path,
    on_file: Callable[[int, int, str], None] = lambda done, total, name: None,
    patterns: Sequence[str] = (),
) -> Path:
    """Return the folder with the files of a dataset; what is there and whole is not fetched again.

    Archives are unpacked beside themselves. A UserError names the file that cannot be had and the
    way by hand.

    Parameters
    ----------
    patterns : of the names of files that are wanted, all unless given, such as `*0.44*`
    """
    import pooch

    pooch.get_logger().setLevel(logging.ERROR)
    mirror = os.environ.get(MIRROR)
    url = f"{mirror.rstrip('/')}/{download.name}/" if mirror else download.url
    by_hand = (
        f"The same command goes on; or fetch the files by hand into {folder}, and "
        f"`glassbench data import {download.reader} {folder} name={download.name}`; "
        f"{MIRROR}=URL names another place"
    )
    if not (url or download.record):
        raise UserError(
            f"{download.name} has no address that a program can use: see {download.page}. {by_hand}"
        )
    try:
        registry, urls = _registry(download, url if mirror else "")
    except (OSError, ValueError, KeyError) as error:
        place = f"{url}{REGISTRY}" if mirror else download.record
        raise UserError(f"{place} cannot be had ({_short(error)}). {by_hand}") from None
    chosen = [n for n in registry if not patterns or any(fnmatch(n, p) for p in patterns)]
    if not chosen:
        raise UserError(
            f"files={','.join(patterns)} fits none of {download.name}: {', '.join(registry)}"
        )
    store = pooch.create(folder, base_url=url, registry=registry, urls=urls, retry_if_failed=TRIES)
    for name in chosen:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    downloader = pooch.HTTPDownloader(timeout=PATIENCE)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = {pool.submit(store.fetch, n, downloader=downloader): n for n in chosen}
        try:
            for done, job in enumerate(as_completed(jobs), start=1):
                job.result()
                on_file(done, len(jobs), jobs[job])
        except (OSError, ValueError) as error:
            pool.shutdown(wait=False, cancel_futures=True)
            wrong = "hash" in str(error)
            reason = "is not the file that was published: its checksum is another one"
            place = urls.get(jobs[job], f"{url}{jobs[job]}")
            raise UserError(
                f"{place} {reason if wrong else f'cannot be had ({_short(error)})'}. {by_hand}"
            ) from None
    for name in chosen:
        _unpack(folder / name)
    return folder


def _registry(download: Download, mirror: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the checksums of files, such as `md5:…`, and where they lie if not below `url`."""
    if download.files:
        registry = {name: f"sha256:{digest}" for name, digest in download.files.items()}
        there = {} if mirror else {n: download.url + path for n, path in download.paths.items()}
        return registry, there
    import requests

    address = f"{mirror}{REGISTRY}" if mirror else download.record
    answer = requests.get(address, timeout=PATIENCE)
    answer.raise_for_status()
    if mirror:
        lines = (line.split() for line in answer.text.splitlines())
        return {line[0]: line[1] for line in lines if len(line) == 2}, {}
    keys = {PurePosixPath(str(file["key"])): file for file in answer.json()["files"]}
    # A name that another machine states leads to no place outside the folder.
    names = {
        str(path): file
        for path, file in keys.items()
        if not path.is_absolute() and ".." not in path.parts
    }
    return (
        {name: str(file["checksum"]) for name, file in names.items()},
        {name: str(file["links"]["self"]) for name, file in names.items()},
    )


def _unpack(path: Path) -> None:
    """Unpack an archive into a folder of its name, once."""
    if not path.name.endswith(ARCHIVES):
        return
    folder, name = path.parent, path.name.removesuffix(".gz").rpartition(".")[0]
    if (folder / name).is_dir():
        return
    partial = folder / f"{name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    if path.suffix == ".zip":
        shutil.unpack_archive(path, partial)
    else:
        with tarfile.open(path) as archive:
            archive.extractall(partial, filter="data")
    partial.rename(folder / name)


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:160]
