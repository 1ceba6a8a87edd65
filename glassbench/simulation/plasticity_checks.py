"""Is it the glass that it should be, and was it sheared well? Quantities of one state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from ..structure.bragg import strongest_bragg_peak

MAXIMUM_BRAGG_PEAK = 0.05


def check_loaded(
    samples: Iterable[Mapping[str, np.ndarray]],
    *,
    elastic_step: int,
    elastic_strain: float,
    shear_modulus: tuple[float, float],
    longest_wavenumber: float,
) -> dict[str, object]:
    """Return the physics of sheared samples as plain values, and `failed`, what is wrong.

    Held to a limit are: no value that is not finite; the shear modulus, which is the mean
    over samples and loads of the slope of the stress up to `elastic_strain`; the energy,
    which must rise under load; and the strongest Bragg peak, S(k) / N, near 1 in a crystal.

    Parameters
    ----------
    samples : as `sample_arrays` gives them, one at a time
    elastic_step, elastic_strain : a step of the curves and its strain
    shear_modulus : (lowest, highest) that the substance can have, unit of stress
    longest_wavenumber : to which Bragg peaks are sought, 1 / length
    """
    moduli, curves, gains, peaks, broken = [], [], [], [], 0
    for sample in samples:
        stress, energy = sample["shear_stress"], sample["potential_energy"]
        broken += not all(np.isfinite(sample[key]).all() for key in ("d2min", "shear_stress"))
        moduli.append((stress[:, elastic_step] - stress[:, 0]) / elastic_strain)
        curves.append(stress.mean(axis=0))
        gains.append(energy[:, -1] - energy[:, 0])
        peaks.append(strongest_bragg_peak(sample["positions"], sample["box"], longest_wavenumber))
    modulus, peak, gain = float(np.mean(moduli)), float(max(peaks)), float(np.mean(gains))
    failed = []
    if broken:
        failed.append(f"{broken} samples have values that are not finite")
    if not shear_modulus[0] <= modulus <= shear_modulus[1]:
        failed.append(f"shear modulus {modulus:.4g} lies outside {shear_modulus}")
    if not gain > 0:
        failed.append(f"the energy per particle does not rise under load: {gain:.3g}")
    if peak > MAXIMUM_BRAGG_PEAK:
        failed.append(
            f"a Bragg peak of S(k)/N = {peak:.2g} exceeds {MAXIMUM_BRAGG_PEAK}: a crystal"
        )
    return {
        "shear_modulus": modulus,
        "shear_modulus_of_loads": [float(value) for value in np.mean(moduli, axis=0)],
        "mean_shear_stress": [float(value) for value in np.mean(curves, axis=0)],
        "energy_gain": gain,
        "strongest_bragg_peak": peak,
        "failed": failed,
    }
