"""Units of the datasets, and how units and symbols are printed: one table for every output."""

from __future__ import annotations

import re

# Unit of each quantity by system of units, as `attrs["units"]` of a dataset has it.
UNITS = {
    "lj": {
        "length": "sigma_AA",
        "length_squared": "sigma_AA^2",
        "time": "tau",
        "temperature": "epsilon_AA/k_B",
        "energy": "epsilon_AA",
        "stress": "epsilon_AA/sigma_AA^3",
        "none": "1",
    },
    "lj2d": {
        "length": "sigma_SL",
        "length_squared": "sigma_SL^2",
        "time": "t_0",
        "temperature": "epsilon_SL/k_B",
        "energy": "epsilon_SL",
        "stress": "epsilon_SL/sigma_SL^2",
        "none": "1",
    },
    "metal": {
        "length": "Angstrom",
        "length_squared": "Angstrom^2",
        "time": "ps",
        "temperature": "K",
        "energy": "eV",
        "stress": "bar",
        "stiffness": "eV/Angstrom^2",
        "none": "1",
    },
}
# Symbols of quantities by the name that axes and columns have; others are their own symbol.
SYMBOLS = {"temperature": "T", "time": "t"}
_SIGNS = {
    "angstrom": "Å",
    "epsilon": "ε",
    "sigma": "σ",
    "gamma": "γ",
    "alpha": "α",
    "tau": "τ",
    "kelvin": "K",
    "_0": "₀",
    "^-3": "⁻³",
    "^-2": "⁻²",
    "^2": "²",
    "^3": "³",
}
_SIGN = re.compile("|".join(map(re.escape, _SIGNS)), re.IGNORECASE)


def printed(name: str) -> str:
    """Return a unit or a symbol as it is printed: `eV/Å²` for `eV/Angstrom^2`, nothing for `1`."""
    return "" if name == "1" else _SIGN.sub(lambda sign: _SIGNS[sign.group().lower()], name)


def symbol(name: str) -> str:
    """Return the symbol of a quantity: `T` for `temperature`, `τ_α` for `tau_alpha`."""
    return SYMBOLS.get(name) or printed(name)


def mathtext(name: str) -> str:
    """Return a unit or a symbol for matplotlib, with real subscripts: `$σ_{AA}$`."""
    text = printed(name)
    if "_" not in text:
        return text
    plain = str.maketrans("⁻²³", "-23")
    superscript = re.sub("[⁻²³]+", lambda s: "^{" + s.group().translate(plain) + "}", text)
    return "$" + re.sub(r"_(\w+)", r"_{\1}", superscript) + "$"
