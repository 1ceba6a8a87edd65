"""Sweeps as plain data: the plan and its file, estimates, the state of its trials, summaries."""

from .plan import (
    RETRIES,
    Needs,
    PlanError,
    PlannedTrial,
    Series,
    SweepPlan,
    in_order,
    read_plan,
    with_trials,
    write_plan,
)

__all__ = [
    "RETRIES",
    "Needs",
    "PlanError",
    "PlannedTrial",
    "Series",
    "SweepPlan",
    "in_order",
    "read_plan",
    "with_trials",
    "write_plan",
]
