"""Records of a board: whose names they bear, and where their models are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ..contract.model_card import ModelCard, read_model_card
from ..plugins.registry import list_models, whole_models
from ..record.record import PlainRecord as Record
from ..record.record import read_records
from .sandbox.limits import require

# Letters and digits that look alike in some typeface; separators are not seen at all.
ALIKE = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", "_": "", "-": "", ".": ""})


def imitated(name: str, others: Iterable[str]) -> str:
    """Return the first of other names that a reader could take a name for, or nothing."""
    own = _seen(name)
    return next((other for other in others if other != name and _seen(other) == own), "")


def _seen(name: str) -> str:
    return name.casefold().translate(ALIKE).replace("rn", "m").replace("vv", "w")


def board_records(board: Path) -> dict[str, Record]:
    """Return the records of a board by the name of their file; broken ones are nobody's."""
    return {path.stem: record.to_json() for path, record in read_records(board / "records")[0]}


def refuse_strangers(card: ModelCard, others: Mapping[str, Record], board: Path) -> str:
    """Refuse a name that imitates another's, or of whose authors none is among the card's."""
    known = baseline_names()
    taken = imitated(card.name, sorted({*known, *(o["model"]["name"] for o in others.values())}))
    require(
        not taken,
        f"`{card.name}` could be taken for `{taken}`, which is on the board: choose another name "
        "in model.toml",
    )
    for name, other in others.items():
        if other["model"]["name"] != card.name:
            continue
        owners = _owners(other, board)
        require(
            {a.casefold() for a in owners} & {a.casefold() for a in card.authors},
            f"`{card.name}` is on the board already, record {name} by "
            f"{', '.join(owners) or 'unknown authors'}, none of whom is an author of this one: "
            "choose another name in model.toml",
        )
    return "no other author has a record of this name"


def _owners(record: Record, board: Path) -> tuple[str, ...]:
    if record["model"].get("authors"):
        return tuple(record["model"]["authors"])
    folder = model_folder(record, board)
    if folder is not None:
        return read_model_card(folder).authors
    installed = (card for card in whole_models() if card.name == record["model"]["name"])
    return next((card.authors for card in installed), ())


def baseline_names() -> set[str]:
    """Return the names of the models that come with GlassBench."""
    return {model.name for model in list_models() if model.origin == "baselines"}


def model_folder(record: Record, board: Path) -> Path | None:
    """Return the folder of a record's model: on the board, or the installed one of that digest."""
    name, digest = record["model"]["name"], record["model"]["digest"]
    if (board / "models" / digest / "model.toml").is_file():
        return board / "models" / digest
    cards = (card for card in whole_models() if (card.name, card.digest) == (name, digest))
    return next((card.folder for card in cards), None)
