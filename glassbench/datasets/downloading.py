"""Published files by one command: fetched through pooch, each held to its pinned sha256.

`downloads.toml` in a task's folder names, by dataset, where its files lie, the reader that imports
them, and the digest of each.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ..contract.checked import Checked, Name, Text, checked, read_toml
from ..contract.errors import DatasetError, UserError
from ..contract.task import Task

FILE = "downloads.toml"
# Another place that holds the files of the datasets, in folders of their names.
MIRROR = "GLASSBENCH_DATA_URL"
AT_ONCE, TRIES, PATIENCE = 4, 3, 30.0


class Download(Checked):
    """One dataset to be had: files by their path below `url`, with sha256 and all bytes."""

    name: Name
    title: Text
    url: Text
    reader: Name
    licence: Text
    megabytes: Annotated[float, Field(gt=0)]
    files: Mapping[Text, Text]


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
) -> Path:
    """Return the folder with every file of a dataset; what is there and whole is not fetched again.

    A UserError names the file that cannot be had and the way by hand.
    """
    import pooch

    pooch.get_logger().setLevel(logging.ERROR)
    mirror = os.environ.get(MIRROR)
    url = f"{mirror.rstrip('/')}/{download.name}/" if mirror else download.url
    store = pooch.create(
        folder,
        base_url=url,
        registry={name: f"sha256:{digest}" for name, digest in download.files.items()},
        retry_if_failed=TRIES,
    )
    for name in download.files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    downloader = pooch.HTTPDownloader(timeout=PATIENCE)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = {pool.submit(store.fetch, n, downloader=downloader): n for n in download.files}
        try:
            for done, job in enumerate(as_completed(jobs), start=1):
                job.result()
                on_file(done, len(jobs), jobs[job])
        except (OSError, ValueError) as error:
            pool.shutdown(wait=False, cancel_futures=True)
            wrong = "hash" in str(error)
            reason = "is not the file that was published: its sha256 is another one"
            raise UserError(
                f"{url}{jobs[job]} {reason if wrong else f'cannot be had ({_short(error)})'}. "
                f"The same command goes on; or fetch the files by hand into {folder}, and "
                f"`glassbench data import {download.reader} {folder} name={download.name}`; "
                f"{MIRROR}=URL names another place"
            ) from None
    return folder


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:160]
