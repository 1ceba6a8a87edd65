"""Files that a user names as a hyperparameter: kept by content, so that a trial means one of them.

A path says where a file lies and not what is in it: a key made from it would take new weights
for the old ones. So a file is copied into the workspace, and the hyperparameter becomes
`file:<digest>/<name>`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..contract.errors import UserError
from .files import whole_file
from .workspace import Workspace

PREFIX = "file:"
DIGITS = 16


def keep_given_files(values: Mapping[str, Any], workspace: Workspace) -> dict[str, Any]:
    """Return hyperparameters with every path of a file replaced by the file's content.

    What names a file is text with a separator, such as `./weights.pth`, where such a file exists;
    where a name without a separator is that of a file here, it is not clear which is meant.
    """
    return {name: _kept(name, value, workspace) for name, value in values.items()}


def find_given_files(values: Mapping[str, Any], workspace: Workspace) -> dict[str, Any]:
    """Return hyperparameters with the paths that kept files have in a workspace."""
    return {name: _path_of(name, value, workspace) for name, value in values.items()}


def _kept(name: str, value: Any, workspace: Workspace) -> Any:
    if not isinstance(value, str) or value.startswith(PREFIX):
        return value
    path = Path(value).expanduser()
    if not (path.suffix or os.sep in value) or not path.is_file():
        return value
    if os.sep not in value:
        raise UserError(
            f"model.{name}={value} is also the name of a file here: write ./{value} for the file"
        )
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:DIGITS]
    copy = workspace.given / digest / path.name
    if not copy.exists():
        with whole_file(copy) as partial:
            shutil.copyfile(path, partial)
    return f"{PREFIX}{digest}/{path.name}"


def _path_of(name: str, value: Any, workspace: Workspace) -> Any:
    if not isinstance(value, str) or not value.startswith(PREFIX):
        return value
    digest, _, file_name = value.removeprefix(PREFIX).partition("/")
    copy = workspace.given / Path(digest).name / Path(file_name).name
    if not copy.is_file():
        raise UserError(
            f"model.{name} is {value}, a file that {workspace.given} does not hold: give the path "
            f"of a {file_name} whose sha256 begins with {digest}"
        )
    return str(copy)
