"""A page of its own of one structure, coloured by any values of its particles."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup

from ..explain.section import colour_limits, pack_structure, pack_values
from ..home.files import write_file
from ..home.workspace import content_folder
from ..model import Structure
from .render import render

SCRIPTS = ("core.js", "figures.js", "slice.js", "view.js")


class View(NamedTuple):
    """A page that needs no other file; notebooks show it."""

    html: str

    def save(self, path: Path) -> Path:
        """Write the page to a file."""
        write_file(path, self.html.encode())
        return path

    def _repr_html_(self) -> str:
        style = 'width="100%" height="720" style="border:0"'
        return f'<iframe srcdoc="{escape(self.html)}" {style}></iframe>'


def view_structure(
    structure: Structure,
    values: Mapping[str, np.ndarray] | None = None,
    *,
    species: Sequence[str] = ("A", "B"),
    units: Mapping[str, str] | None = None,
    length: str = "",
) -> View:
    """Return the page of a structure, coloured by species or by one of its values (N,) by name.

    Parameters
    ----------
    units : of the values, by their names
    length : unit of the positions
    """
    kinds = [str(name) for name in species[: int(structure.species.max(initial=0)) + 1]]
    maps = [_map("species", structure.species.astype(float)) | {"names": kinds}]
    maps += [
        _map(name, np.asarray(one, dtype=float)) | {"unit": (units or {}).get(name, "")}
        for name, one in (values or {}).items()
    ]
    packed = pack_structure(structure, length, kinds).model_dump()
    data = json.dumps({"structure": packed, "maps": maps}, allow_nan=False)
    static = content_folder("leaderboard") / "static"
    texts = {name: (static / name).read_text(encoding="utf-8") for name in ("site.css", *SCRIPTS)}
    page = render(
        "view.html",
        title=structure.configuration or "Structure",
        style=Markup(texts["site.css"]),
        # No text of a file may end the script.
        data=Markup(data.replace("<", "\\u003c")),
        scripts=[Markup(texts[name]) for name in SCRIPTS],
    )
    return View(page)


def _map(name: str, values: np.ndarray) -> dict[str, Any]:
    """Return values as the page takes them; those that are not finite stand at the low end."""
    known = values[np.isfinite(values)]
    signed = bool(known.size and known.min() < 0 < known.max())
    low, high = map(float, colour_limits(known)) if known.size else (0.0, 1.0)
    if signed:
        low, high = -max(-low, high), max(-low, high)
    filled = np.where(np.isfinite(values), values, low)
    limits = [low, high]
    return {
        "name": name,
        "limits": limits,
        "signed": signed,
        "values": pack_values(filled, *limits),
    }
