"""How well a second deformation reproduces the first: the upper bound of any prediction.

A sample is sheared again with the particles in another order (as in the paper), from positions
displaced at random by `amplitude` (from which D2min is then measured), or in strain steps of half
the size. The share of particles of the balanced set that keep their label is the paper's upper
bound of the accuracy.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from glassbench.datasets.labels import balanced_set, draw_negatives
from glassbench.figures.canvas import FLOORS, MARKERS, MODEL, new_figure
from glassbench.figures.given import Drawn, Given
from glassbench.metrics import c_rank, overlap_ratio
from glassbench.simulation.quasistatic_shear import quasistatic_shear
from glassbench.simulation.seeds import generator_from_names

from ._shear import TASKS as TASKS
from ._shear import state_and_schedule, substance, test_samples, threshold

SOURCE = "Fan & Ma, Nat. Commun. 12, 1506 (2021), Methods, and the bound in Fig. 3a, b"
REPORTED = "another order of the particles is not exactly reproducible, and less so as strain grows"
MODELS = False
KINDS = ("shuffled", "perturbed", "half_step")
OPTIONS = {"samples": 2, "loads": 1, "amplitude": 1e-6, "kinds": list(KINDS)}


def draw(given: Given) -> Drawn:
    """Shear samples again in three ways, and draw the share of labels that are kept."""
    options, kinds = given.options, given.options["kinds"]
    if unknown := set(kinds) - set(KINDS):
        raise ValueError(f"kinds={','.join(sorted(unknown))}: there are {', '.join(KINDS)}")
    state, schedule = state_and_schedule(given)
    _, finer = state_and_schedule(given, step=schedule.step / 2)
    material, loads = substance(given.task.name)
    fraction = given.conditions[0]["fraction"]
    kept: dict[tuple[str, float], list[list[float]]] = {}
    for _, name, arrays in test_samples(state, options["samples"]):
        positions, species, box = (arrays[key] for key in ("positions", "species", "box"))
        for load in loads[: options["loads"]]:
            draws = generator_from_names("repeats", name, load.name)
            moved = positions + draws.normal(0, options["amplitude"], positions.shape)
            shear = partial(quasistatic_shear, species=species, box=box, material=material,
                            loading=load, log=given.folder / "shear.log")  # fmt: skip
            ways = {
                "first": {"positions": positions, "schedule": schedule},
                "shuffled": {"positions": positions, "schedule": schedule,
                             "order": draws.permutation(len(species))},
                "perturbed": {"positions": moved, "schedule": schedule},
                "half_step": {"positions": positions, "schedule": finer},
            }  # fmt: skip
            runs = {kind: shear(**ways[kind]) for kind in ("first", *kinds)}
            for kind in kinds:
                for number, strain in enumerate(schedule.strains):
                    first, again = (runs[k]["d2min"][number].astype(float) for k in ("first", kind))
                    limit = threshold(state, strain, fraction)
                    positive = first > limit
                    members = balanced_set(positive, draw_negatives(positive, name, load.name))
                    agree = (positive == (again > limit))[members]
                    kept.setdefault((kind, strain), []).append([
                        agree.mean() if len(members) else np.nan, c_rank(again, first, fraction),
                        overlap_ratio(again, first, fraction), (first == again).mean(),
                        np.abs(again - first).max() / first.max(),
                    ])  # fmt: skip
    names = ("accuracy", "c_rank", "overlap", "bit_identical", "difference")
    rows = [
        {"repeat": kind, "strain": strain, "runs": len(values),
         **{name: _mean(column) for name, column in zip(names, zip(*values))}}
        for (kind, strain), values in kept.items()
    ]  # fmt: skip
    figure = new_figure(5.2, 3.6)
    axis = figure.subplots()
    for kind, colour, marker in zip(kinds, (MODEL, *FLOORS), MARKERS, strict=False):
        own = [row for row in rows if row["repeat"] == kind]
        strains, scores = [r["strain"] for r in own], [r["accuracy"] for r in own]
        axis.plot(strains, scores, marker=marker, color=colour, label=kind.replace("_", " "))
    axis.set(xlabel=r"$\gamma$", ylabel="labels kept, balanced set", ylim=(0.45, 1.02))
    axis.legend(fontsize=8, frameon=False)
    note = "difference: the largest of D2min, over the largest D2min of the first run"
    return Drawn(figure, rows, [note])


def _mean(values: tuple[float, ...]) -> float:
    """Return the mean of what is defined: a run without a positive has no accuracy."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
