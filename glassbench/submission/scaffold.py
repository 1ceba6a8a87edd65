"""A small model to start from: four files that pass their test as they stand."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from ..contract.errors import UserError
from ..contract.suggest import did_you_mean
from ..plugins.registry import list_models, load_task

TEMPLATES = Path(__file__).parent / "templates"
KINDS = ("descriptor", "numpy", "torch")
TASK = "ka_propensity"
AUTHOR = "My Name"


def write_scaffold(
    name: str,
    kind: str = "descriptor",
    task: str | None = None,
    parent: Path = Path("submissions"),
    author: str | None = None,
) -> Path:
    """Write the files of a new model and return their folder.

    Parameters
    ----------
    kind : `descriptor`, `numpy` or `torch`
    task : a task with a target per particle

    Raises
    ------
    UserError
        If name or kind cannot be used, or the folder is there already.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name) or keyword.iskeyword(name):
        raise UserError(
            f"`{name[:80]}` is no name of a model: small letters, digits and `_` are wanted, a "
            "letter first, as my_model"
        )
    if kind not in KINDS:
        raise UserError(f"`kind={kind}`{did_you_mean(kind, KINDS)}")
    if name in {found.name for found in list_models()}:
        raise UserError(f"there is a model `{name}` already: choose another name")
    chosen = load_task(task or TASK)
    per = chosen.targets[chosen.target].per
    if per != "particle":
        raise UserError(
            f"{chosen.name} asks for a value per {per}; the templates predict particles"
        )
    folder = parent.expanduser().absolute() / name
    if folder.exists():
        raise UserError(f"{folder} is there already: choose another name or folder=")
    folder.mkdir(parents=True)
    words = {
        "MyModel": "".join(part.capitalize() for part in name.split("_")),
        "my_model": name,
        TASK: chosen.name,
        AUTHOR: (author or AUTHOR).replace('"', "'").replace("\\", "/"),
        "PATH": f"{parent}/{name}",
    }
    for source in sorted((TEMPLATES / kind).iterdir()):
        if source.is_file():
            text = source.read_text(encoding="utf-8")
            for word, meant in words.items():
                text = text.replace(word, meant)
            (folder / source.name.replace("my_model", name)).write_text(text, encoding="utf-8")
    return folder
