"""Whether a liquid is what it should be: its temperature, energy and relaxation.

Scattering is the self part of the intermediate scattering function.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from glassbench.simulation.run_statistics import trend_of

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


def self_intermediate_scattering(displacements: np.ndarray, wavenumber: float) -> float:
    """Return F_s(k, t) = <cos(k . [r_i(t) - r_i(0)])>, averaged over particles and axes.

    Parameters
    ----------
    displacements : (..., N, d), one time
    wavenumber : k, usually 2 pi / sigma_AA

    Source: Shiba et al., J. Chem. Phys. 158, 084503 (2023), Eq. 9, with k along
    each axis in turn.
    """
    return float(np.cos(wavenumber * np.asarray(displacements)).mean())


def fit_relaxation_time(times: np.ndarray, values: np.ndarray) -> dict[str, float]:
    """Fit F_s(t) = (1 - f) exp(-(t/tau_s)^2) + f exp(-(t/tau_alpha)^beta).

    Parameters
    ----------
    times, values : (T,), at least four times that reach into the final decay

    Returns
    -------
    dict
        `tau_alpha`, `beta`, `plateau` (f), `tau_short`, and `residual`, the
        largest deviation of the fit.

    Raises
    ------
    ValueError
        If there are fewer than four times.
    """
    from scipy.optimize import least_squares

    times, values = np.asarray(times, dtype=float), np.asarray(values, dtype=float)
    if len(times) < 4:
        raise ValueError(f"{len(times)} times do not determine four parameters: give at least 4")

    def model(parameters: np.ndarray) -> np.ndarray:
        tau_alpha, tau_short = np.exp(parameters[:2])
        plateau, beta = parameters[2:]
        fast = (1 - plateau) * np.exp(-((times / tau_short) ** 2))
        return fast + plateau * np.exp(-((times / tau_alpha) ** beta))

    start = np.array([np.log(times[-1]), np.log(0.15), 0.75, 0.7])
    bounds = ([-3, -4, 0.3, 0.3], [25, 1, 1.0, 1.0])
    fit = least_squares(lambda p: model(p) - values, start, bounds=bounds)
    return {
        "tau_alpha": float(np.exp(fit.x[0])),
        "beta": float(fit.x[3]),
        "plateau": float(fit.x[2]),
        "tau_short": float(np.exp(fit.x[1])),
        "residual": float(np.abs(fit.fun).max()),
    }
