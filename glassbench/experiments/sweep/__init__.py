"""Sweeps as plain data: the plan and its file, estimates, the state of its trials, summaries."""

from .plan import (
    RETRIES,
    Needs,
    PlannedTrial,
    Series,
    SweepPlan,
    in_order,
    series_trials,
    with_trials,
)
from .plan_file import PlanError, read_plan, write_plan

__all__ = [
    "RETRIES",
    "Needs",
    "PlanError",
    "PlannedTrial",
    "Series",
    "SweepPlan",
    "in_order",
    "read_plan",
    "series_trials",
    "with_trials",
    "write_plan",
]
