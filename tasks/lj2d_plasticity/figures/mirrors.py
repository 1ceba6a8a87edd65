"""Whether mirrored samples rearrange as the samples do, under the load that mirrors leave."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from glassbench.figures.canvas import MARKERS, new_figure
from glassbench.figures.given import Drawn, Given
from glassbench.metrics import c_rank, pearson
from glassbench.simulation.quasistatic_shear import quasistatic_shear

from ._shear import TASKS as TASKS
from ._shear import state_and_schedule, substance, test_samples

SOURCE = "Fan & Ma, Nat. Commun. 12, 1506 (2021), Supplementary Fig. 10 and 11"
REPORTED = "D2min of three (2D) and seven (3D) mirrored samples is almost the same below yielding"
MODELS = False
OPTIONS = {"samples": 1}
IN_PLANE = {"x ↔ y": [[0, 1], [1, 0]], "x ↔ −y": [[0, -1], [-1, 0]], "−x, −y": [[-1, 0], [0, -1]]}


def draw(given: Given) -> Drawn:
    """Shear each sample and its mirrors along the first load, and compare D2min."""
    state, schedule = state_and_schedule(given)
    material, (load, *_) = substance(given.task.name)
    fraction, rows = given.conditions[0]["fraction"], []
    for _, name, arrays in test_samples(state, given.options["samples"]):
        positions, species, box = (arrays[key] for key in ("positions", "species", "box"))
        log = given.folder / "shear.log"
        first = quasistatic_shear(positions, species, box, material, load, schedule, log)["d2min"]
        for words, matrix in mirrors(len(box)).items():
            mirrored = (positions @ matrix.T) % box
            again = quasistatic_shear(mirrored, species, box, material, load, schedule, log)
            for number, strain in enumerate(schedule.strains):
                one, other = first[number].astype(float), again["d2min"][number].astype(float)
                rows.append({
                    "sample": name, "mirror": words, "strain": strain,
                    "pearson": pearson(other, one), "c_rank": c_rank(other, one, fraction),
                    "difference": np.abs(other - one).max() / one.max(),
                })  # fmt: skip
    note = "difference: the largest of D2min, over the largest D2min of the sample"
    return Drawn(_picture(rows, load.name), rows, [note])


def _picture(rows: list[dict[str, Any]], load: str) -> Figure:
    """Draw the largest difference against the strain, of the first sample."""
    figure = new_figure(5.2, 3.6)
    axis = figure.subplots()
    own = [row for row in rows if row["sample"] == rows[0]["sample"]]
    groups = itertools.groupby(own, lambda row: row["mirror"])
    for (words, part), marker in zip(groups, itertools.cycle(MARKERS)):
        strains, differences = zip(*((row["strain"], row["difference"]) for row in part))
        axis.semilogy(strains, differences, marker=marker, label=words)
    ylabel = r"largest difference of $D^2_\mathrm{min}$ / largest $D^2_\mathrm{min}$"
    axis.set(xlabel=r"$\gamma$", ylabel=ylabel, ylim=(None, 2))
    axis.set_title(f"{rows[0]['sample']} and its mirrors, {load}", fontsize=9)
    axis.legend(fontsize=7, frameon=False)
    return figure


def mirrors(dimension: int) -> dict[str, np.ndarray]:
    """Return the symmetries of the load other than the identity, in the frame of the first load."""
    plane = {words: np.array(matrix) for words, matrix in IN_PLANE.items()}
    if dimension == 2:
        return plane
    all_ = {}
    for words, matrix in ({"": np.eye(2)} | plane).items():
        for sign, flip in ((1, ""), (-1, "−z")):
            if words or flip:
                full = np.diag([0.0, 0.0, sign])
                full[:2, :2] = matrix
                all_[", ".join(filter(None, (words, flip)))] = full
    return all_
