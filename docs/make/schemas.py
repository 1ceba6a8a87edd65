"""Write the published JSON schemas from the models that check the files.

python docs/make/schemas.py            # writes glassbench/contract/schemas/*.schema.json
"""

from __future__ import annotations

from glassbench.contract.schemas import schema_file, schema_text
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

if __name__ == "__main__":
    for name, model in MODELS.items():
        schema_file(name).write_text(schema_text(model), encoding="utf-8")
