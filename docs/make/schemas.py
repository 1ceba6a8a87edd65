"""Write the published JSON schemas from the models that check the files.

python docs/make/schemas.py            # writes glassbench/contract/schemas/*.schema.json
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from glassbench.contract.schemas import schema_file
from glassbench.experiments.sweep.plan import SweepPlan
from glassbench.explain.schema import Explanation
from glassbench.pages.api import Leaderboard
from glassbench.record.record import Record

MODELS = {
    "record": Record,
    "explanation": Explanation,
    "leaderboard": Leaderboard,
    "sweep": SweepPlan,
}


class WithoutTitles(GenerateJsonSchema):
    """The name of a field says as much as the title that pydantic makes from it."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def schema_text(model: Any) -> str:
    """Return the JSON schema of a model as its file has it."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    schema = TypeAdapter(model).json_schema(mode="serialization", schema_generator=WithoutTitles)
    return json.dumps(dialect | schema, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name, model in MODELS.items():
        schema_file(name).write_text(schema_text(model), encoding="utf-8")
