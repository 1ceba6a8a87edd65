"""Regression of the propensity on the neighbours at a single radius, against that radius.

At each radius the descriptors are the densities of both species in a Gaussian shell of the
`width`; a linear fit for particles of type A is trained on the training configurations.
"""

from __future__ import annotations

import numpy as np

from glassbench.contract.units import mathtext
from glassbench.figures.canvas import new_figure
from glassbench.figures.given import Drawn, Given
from glassbench.metrics import pearson
from glassbench.structure import radial_densities

SOURCE = "Bapst et al., Nat. Phys. 16, 448 (2020), Extended Data Fig. 10"
REPORTED = "a curve, of which the published text states no number"
MODELS = False
OPTIONS = {"width": 0.1, "largest": 5.0, "step": 0.1}


def draw(given: Given) -> Drawn:
    """Draw Pearson of type A on the test configurations, with all radii together as a line."""
    options, rows = given.options, []
    radii = np.arange(0.8, options["largest"] + options["step"] / 2, options["step"])
    widths = np.full(len(radii), options["width"])
    figure = new_figure(5.2, 3.6)
    axis = figure.subplots()
    for condition in given.conditions:
        data = {}
        for split in ("train", "test"):
            data[split] = [
                (
                    _shells(example.structure, radii, widths),
                    example.targets[given.task.target][of_a],
                )
                for example in given.view.examples(split, (condition,))
                for of_a in [example.structure.species == 0]
            ]
        scores = [_score(data, [k]) for k in range(len(radii))]
        together = _score(data, list(range(len(radii))))
        (line,) = axis.plot(radii, scores, "o-", markersize=3, label=given.title(condition))
        axis.axhline(together, color=line.get_color(), linestyle="--", linewidth=0.9)
        best = int(np.argmax(scores))
        rows.append({**condition, "best_radius": radii[best], "best": scores[best],
                     "all_radii": together})  # fmt: skip
        rows[-1] |= {f"r={radii[k]:.1f}": scores[k] for k in range(0, len(radii), 6)}
    axis.set_xlabel(f"radius ({mathtext('sigma_AA')})")
    axis.set(ylabel="Pearson, type A", ylim=(0, None))
    axis.legend(fontsize=7, frameon=False)
    axis.set_title("one radius; dashed: all radii together", fontsize=9)
    return Drawn(figure, rows)


def _shells(structure, radii, widths) -> np.ndarray:
    """Return (A particles, radii, 2) densities of both species in each shell."""
    shells = radial_densities(structure.positions, structure.species, structure.box, radii, widths)
    shells = np.asarray(shells).reshape(len(structure.positions), 2, len(radii))
    return shells[structure.species == 0].transpose(0, 2, 1)


def _score(data, chosen) -> float:
    """Return the mean Pearson over test configurations of a fit to some radii."""
    x = np.concatenate([shells[:, chosen].reshape(len(shells), -1) for shells, _ in data["train"]])
    y = np.concatenate([target for _, target in data["train"]])
    weights = np.linalg.lstsq(np.column_stack([np.ones(len(x)), x]), y, rcond=1e-10)[0]
    return float(np.mean([
        pearson(shells[:, chosen].reshape(len(shells), -1) @ weights[1:], target)
        for shells, target in data["test"]
    ]))  # fmt: skip
