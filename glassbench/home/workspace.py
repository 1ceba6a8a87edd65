"""Where everything lies on this machine: what runs leave, files that users name, plain files.

A path says where a file lies and not what is in it: a key made from it would take new weights
for the old ones. So a file that is named as a hyperparameter is copied into the workspace, and
the hyperparameter becomes `file:<digest>/<name>`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..contract.errors import UserError
from .files import whole_file

HOME_VARIABLE = "GLASSBENCH_HOME"
CHECKPOINTS_VARIABLE = "GLASSBENCH_CHECKPOINTS"
PROVENANCE_FILE = "provenance.json"
KINDS = ("tasks", "baselines", "submissions", "leaderboard")
PREFIX = "file:"
DIGITS = 16


class _Inside:
    """A folder of a workspace, called as the attribute is."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, workspace: Workspace, owner: type) -> Path:
        return workspace.home / self.name


@dataclass(frozen=True)
class Workspace:
    """The folder that holds everything a run leaves behind.

    Trials by key, records of requests, datasets, plans of sweeps, unfinished pieces of simulations,
    sources of plugins by digest, given files and a cache by content, and the tracking store.

    Attributes
    ----------
    checkpoints : URI under which checkpoints lie, `s3://…` or `file://…`; empty for the home
    """

    home: Path
    checkpoints: str = ""

    datasets, trials, records, sweeps = _Inside(), _Inside(), _Inside(), _Inside()
    cache, generation, sources, given = _Inside(), _Inside(), _Inside(), _Inside()

    @property
    def database(self) -> Path:
        return self.home / "mlflow.db"

    def trial_folder(self, key: str) -> Path:
        return self.trials / key[:2] / key

    def trial_checkpoints(self, key: str) -> str:
        """Return the URI of a trial's checkpoints, empty where they lie in its folder."""
        return f"{self.checkpoints.rstrip('/')}/{key}" if self.checkpoints else ""


def open_workspace(home: Path | str | None = None) -> Workspace:
    """Return the workspace at `home`, at $GLASSBENCH_HOME, or at `~/.glassbench`.

    Its checkpoints lie where $GLASSBENCH_CHECKPOINTS says, if it does.
    """
    chosen = home or os.environ.get(HOME_VARIABLE) or _usual_home()
    checkpoints = os.environ.get(CHECKPOINTS_VARIABLE, "")
    if checkpoints and "://" not in checkpoints:
        checkpoints = Path(checkpoints).expanduser().absolute().as_uri()
    return Workspace(Path(chosen).expanduser().absolute(), checkpoints)


def _usual_home() -> Path:
    try:
        return Path.home() / ".glassbench"
    except RuntimeError:
        raise UserError(
            f"this user has no home directory: set {HOME_VARIABLE} to a folder for results"
        ) from None


def content_folder(kind: str, package: Path | None = None) -> Path:
    """Return the folder of one of `KINDS` that belongs to a `glassbench` package, this one's."""
    if kind not in KINDS:
        raise ValueError(f"content `{kind}` is not one of {KINDS}")
    package = package or Path(__file__).resolve().parents[1]
    installed = package / "_content"
    if installed.is_dir():
        return installed / kind
    # Only a checkout has this file: beside an installed package lie strangers' folders.
    if (package.parent / "pyproject.toml").is_file():
        return package.parent / kind
    raise UserError(
        f"{package} has neither `_content` inside nor `pyproject.toml` beside it: "
        "install glassbench again"
    )


def keep_given_files(values: Mapping[str, Any], workspace: Workspace) -> dict[str, Any]:
    """Return hyperparameters with every path of a file replaced by the file's content.

    What names a file is text with a separator, such as `./weights.pth`, where such a file exists;
    where a name without a separator is that of a file here, it is not clear which is meant.
    """
    kept = dict(values)
    for name, value in values.items():
        if not isinstance(value, str) or value.startswith(PREFIX):
            continue
        path = Path(value).expanduser()
        if not (path.suffix or os.sep in value) or not path.is_file():
            continue
        if os.sep not in value:
            raise UserError(
                f"model.{name}={value} is also the name of a file here: write ./{value} for the "
                "file"
            )
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:DIGITS]
        copy = workspace.given / digest / path.name
        if not copy.exists():
            with whole_file(copy) as partial:
                shutil.copyfile(path, partial)
        kept[name] = f"{PREFIX}{digest}/{path.name}"
    return kept


def find_given_files(values: Mapping[str, Any], workspace: Workspace) -> dict[str, Any]:
    """Return hyperparameters with the paths that kept files have in a workspace."""
    found = dict(values)
    for name, value in values.items():
        if not isinstance(value, str) or not value.startswith(PREFIX):
            continue
        digest, _, file_name = value.removeprefix(PREFIX).partition("/")
        copy = workspace.given / digest / Path(file_name).name
        # A record is a stranger's: what is no digest, such as `..`, would lead out of the folder.
        if not digest.isalnum() or not copy.is_file():
            raise UserError(
                f"model.{name} is {value}, a file that {workspace.given} does not hold: give the "
                f"path of a {file_name} whose sha256 begins with {digest}"
            )
        found[name] = str(copy)
    return found
