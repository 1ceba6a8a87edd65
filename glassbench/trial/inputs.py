"""What a model reads of a structure beside its positions, and what is missing of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..contract.errors import UserError
from ..model import OTHER_POSITIONS, Structure

MEANINGS = {
    "inherent": "positions in the inherent structure (`inherent_positions`)",
    "cage": "positions averaged within the cage (`cage_positions`)",
    "dynamics": "short-time dynamics (`vibrational_msd`)",
}
MADE = "have them made by naming the potential, such as potential=kob_andersen, "


def refuse_missing(name: str, present: Collection[str], reads: Sequence[str], model: str) -> None:
    """Refuse a structure that lacks tiers which a model reads, with what can be done."""
    missing = [tier for tier in reads if tier in MEANINGS and tier not in present]
    if missing:
        raise UserError(
            f"{name or 'the structure'} lacks what {model} reads: "
            f"{' and '.join(MEANINGS[tier] for tier in missing)}. Add them to the file as columns "
            f"of these names, {MADE if set(missing) & {'inherent', 'cage'} else ''}or take a model "
            "that reads `thermal` alone (`glassbench models`)"
        )


def with_inputs(structure: Structure, reads: Sequence[str], model: str) -> Structure:
    """Return a structure that has all that a model reads; a UserError names what is missing."""
    arrays = OTHER_POSITIONS | {"dynamics": "dynamics"}
    there = {tier for name, tier in arrays.items() if getattr(structure, name) is not None}
    refuse_missing(structure.configuration, there, reads, model)
    return structure
