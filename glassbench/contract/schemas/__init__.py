"""JSON schemas of the files that GlassBench writes, generated from the models that check them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def schema_file(name: str) -> Path:
    """Return the published schema of a kind of file, such as `record`."""
    return FOLDER / f"{name}.schema.json"


def schema_text(model: Any) -> str:
    """Return the JSON schema of a model as its file has it; `docs/make/schemas.py` writes them."""
    from pydantic import TypeAdapter
    from pydantic.json_schema import GenerateJsonSchema

    class WithoutTitles(GenerateJsonSchema):
        """The name of a field says as much as the title that pydantic makes from it."""

        def field_title_should_be_set(self, schema: Any) -> bool:
            return False

    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    schema = TypeAdapter(model).json_schema(mode="serialization", schema_generator=WithoutTitles)
    return json.dumps(dialect | schema, indent=1, ensure_ascii=False) + "\n"
