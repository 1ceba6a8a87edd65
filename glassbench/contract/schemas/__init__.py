"""JSON schemas of the files that GlassBench writes, generated from the models that check them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel

FOLDER = Path(__file__).parent


def schema_file(name: str) -> Path:
    """Return the published schema of a kind of file, such as `record`."""
    return FOLDER / f"{name}.schema.json"


def schema_text(model: type[BaseModel]) -> str:
    """Return the JSON schema of a model as its file has it."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    schema = dialect | model.model_json_schema(mode="serialization")
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def write_schema(name: str, model: type[BaseModel]) -> None:
    """Write the published schema anew after its model has changed."""
    schema_file(name).write_text(schema_text(model), encoding="utf-8")
