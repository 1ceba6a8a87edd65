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

    What names a file is text with a suffix or a separator, where such a file exists.
    """
    return {name: _kept(value, workspace) for name, value in values.items()}


def find_given_files(values: Mapping[str, Any], workspace: Workspace) -> dict[str, Any]:
    """Return hyperparameters with the paths that kept files have in a workspace.

    Raises
    ------
    UserError
        If a file is not there.
    """
    return {name: _found(name, value, workspace) for name, value in values.items()}


def _kept(value: Any, workspace: Workspace) -> Any:
    if not isinstance(value, str) or not ({".", os.sep} & set(value)):
        return value
    path = Path(value).expanduser()
    if not path.is_file():
        return value
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:DIGITS]
    place = workspace.given / digest / path.name
    if not place.exists():
        with whole_file(place) as partial:
            shutil.copyfile(path, partial)
    return f"{PREFIX}{digest}/{path.name}"


def _found(name: str, value: Any, workspace: Workspace) -> Any:
    if not isinstance(value, str) or not value.startswith(PREFIX):
        return value
    digest, _, own = value.removeprefix(PREFIX).partition("/")
    place = workspace.given / Path(digest).name / Path(own).name
    if not place.is_file():
        raise UserError(
            f"model.{name} is {value}, a file that {workspace.given} does not hold: give the path "
            f"of a {own} whose sha256 begins with {digest}"
        )
    return str(place)
