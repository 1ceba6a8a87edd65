"""Words and facts that several pages show alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..record.file import PlainRecord as Record

STATUS_WORDS = {
    "reported": "taken from a publication, not run here",
    "measured": "run with GlassBench by whoever submitted it",
    "verified": "run again by a maintainer in the sandbox",
}
TIERS = {
    "thermal": "instantaneous configuration",
    "inherent": "inherent structure",
    "cage": "cage-averaged positions",
    "dynamics": "short-time dynamics",
}
TIER_HEADS = {
    "thermal": "Models using only the instantaneous configuration",
    "inherent": "Models that also read the inherent structure",
    "cage": "Models that also read cage-averaged positions",
    "dynamics": "Models that also read short-time dynamics",
}


def hardware_words(record: Record) -> list[str]:
    """Return on what the trials of a record ran, each machine once."""
    machines = []
    for environment in record["provenance"]["environments"]:
        hardware = environment["hardware"]
        gpus = ", ".join(dict.fromkeys(hardware["gpus"]))
        cores = "" if hardware["cores"] is None else f", {hardware['cores']} cores"
        machines.append(f"{hardware['cpu']}{cores}" + (f"; GPU {gpus}" if gpus else "; no GPU"))
    return list(dict.fromkeys(machines))


def signature_of(record: Mapping[str, Any]) -> str:
    """Return in words who vouches for the record, as the record says.

    `glassbench record verify` checks it.
    """
    verification = record.get("verification")
    if not verification:
        return "not signed"
    again = {"weights": "predicted again", "retrain": "trained again"}[verification["mode"]]
    return f"signed by {verification['by']}, {again}, {verification['labels']} labels"
