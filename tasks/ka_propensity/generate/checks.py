"""Is it the liquid that it should be? Quantities of one temperature, with what is expected."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from glassbench.simulation.trend import trend_of

from .scattering import fit_relaxation_time
from .states import State

MAXIMUM_ENERGY_DRIFT = 2e-3


def check_state(
    state: State,
    parents: Sequence[dict[str, np.ndarray]],
    configurations: Iterable[dict[str, np.ndarray]],
) -> dict[str, object]:
    """Return the physics of one temperature as plain values, and `failed`, what is wrong.

    Held to a limit are the temperature of the NVE runs (within 2 %), the energy
    drift per particle, and the trend of the potential energy over the second
    half of the equilibration.
    """
    gathered = [
        {key: values[key] for key in values if key.startswith("check_")}
        for values in configurations
    ]
    scattering = np.mean([one["check_scattering"] for one in gathered], axis=0)
    temperature = float(np.mean([one["check_temperature"] for one in gathered]))
    drift = float(np.max([one["check_energy_drift"] for one in gathered]))
    trend = trend_of(np.array([parent["potential_energy"][:10] for parent in parents]))
    wanted = state.protocol.temperature
    failed = []
    if abs(temperature / wanted - 1) > 0.02:
        failed.append(f"temperature {temperature:.4f} is more than 2 % off {wanted}")
    if drift > MAXIMUM_ENERGY_DRIFT:
        failed.append(f"energy drift {drift:.2g} per particle exceeds {MAXIMUM_ENERGY_DRIFT:g}")
    if trend.moves:
        failed.append(f"potential energy still moves: {trend}")
    checks: dict[str, object] = {
        "temperature": temperature,
        "energy_drift": drift,
        "potential_energy": float(np.mean([p["potential_energy"].mean() for p in parents])),
        "pressure": float(np.mean([p["pressure"].mean() for p in parents])),
        "inherent_energy": float(np.mean([one["check_inherent_energy"] for one in gathered])),
        "energy_trend": trend.mean,
        "energy_trend_error": trend.error,
        "scattering_times": [float(time) for time in state.times],
        "scattering": [float(value) for value in scattering],
        "failed": failed,
    }
    if len(state.times) >= 4:
        checks["scattering_fit"] = fit_relaxation_time(np.array(state.times), scattering)
    return checks
