"""The times at which the published Kob-Andersen data were taken, in units of tau."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import SourceError

# Shiba et al., J. Chem. Phys. 158, 084503 (2023), Table I; 0.56 from the roadmap's tables.
BOTAN_TIMES = {
    0.44: (0.13, 1.30, 13.0, 130.0, 412.0, 1300.0, 4120.0, 13000.0, 41200.0, 130000.0),
    0.50: (0.108, 0.434, 2.17, 6.86, 21.7, 68.6, 217.0, 686.0, 2170.0, 6860.0),
    0.56: (0.104, 0.33, 0.99, 1.65, 5.2, 16.5, 52.0, 165.0, 520.0, 1650.0),
    0.64: (0.100, 0.165, 0.52, 1.65, 5.2, 16.5, 52.0, 165.0, 520.0),
}
# Jung et al., Zenodo 10118191, as its published scores are tabulated.
ROADMAP_TIMES = BOTAN_TIMES | {
    0.64: (0.032, 0.100, 0.165, 0.52, 1.65, 5.2, 16.5, 52.0, 165.0, 520.0),
}
TAU_ALPHA = {0.44: 4120.0, 0.50: 217.0, 0.64: 16.5}


def times_at(
    temperature: float,
    table: Mapping[float, tuple[float, ...]],
    given: Mapping[float, tuple[float, ...]],
) -> tuple[float, ...]:
    """Return the times of a temperature: those that the user gave, or those of the table."""
    for known in (given, table):
        for key, times in known.items():
            if abs(key - temperature) < 1e-9:
                return tuple(times)
    raise SourceError(
        f"the times at temperature {temperature:g} are not known (known: "
        f"{', '.join(f'{key:g}' for key in sorted(table))}): give them"
    )


def tau_alpha_at(temperature: float) -> dict[str, float]:
    """Return the relaxation time as an attribute, or nothing where it is not published."""
    near = [tau for key, tau in TAU_ALPHA.items() if abs(key - temperature) < 1e-9]
    return {"tau_alpha": near[0]} if near else {}
