"""The self part of the intermediate scattering function, and the relaxation time."""

from __future__ import annotations

import numpy as np


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
