"""Radial distribution around the stiffest and the softest atoms, true and predicted."""

from __future__ import annotations

import numpy as np

from glassbench.contract.units import mathtext
from glassbench.figures.canvas import FLOORS, MODEL, new_figure
from glassbench.figures.given import Drawn, Given
from glassbench.structure import particle_pair_distribution

SOURCE = "Peng, Yang & Wang, Extreme Mech. Lett. 48, 101446 (2021), Fig. 4c"
REPORTED = (
    "stiff atoms: a higher first peak and a split second one; soft atoms: the first peak at a "
    "shorter distance; curves of predicted extremes lie on those of true ones"
)
MODELS = True
OPTIONS = {"fraction": 0.1, "bins": 80}


def draw(given: Given) -> Drawn:
    """Draw g(r) of the extremes by the true value and by that of the first model."""
    fraction, bins = given.options["fraction"], given.options["bins"]
    (condition,), model, rows = given.conditions[:1], given.models[0], []
    edges = np.linspace(2.0, 10.0, bins + 1)
    middles = (edges[1:] + edges[:-1]) / 2
    chosen: dict[tuple[str, str], list[np.ndarray]] = {}
    for example, truth, guess in given.answers(model, condition):
        structure = example.structure
        around = particle_pair_distribution(structure.positions, structure.box, 2.0, 10.0, bins)
        count = max(1, round(fraction * len(truth)))
        for word, values in (("true", truth), ("predicted", guess)):
            order = np.argsort(values)
            for end, indices in (("stiffest", order[-count:]), ("softest", order[:count])):
                chosen.setdefault((end, word), []).append(around[indices])
    figure = new_figure(6.0, 3.8)
    axis = figure.subplots()
    for (end, word), parts in chosen.items():
        g = np.concatenate(parts).mean(axis=0)
        colour, style = (MODEL if end == "stiffest" else FLOORS[0]), "-" if word == "true" else "."
        axis.plot(middles, g, style, color=colour, label=f"{end} {fraction:.0%}, {word}")
        rows.append({"atoms": end, "by": word, **_features(middles, g)})
    axis.set_xlabel(f"r ({mathtext('Angstrom')})")
    axis.set_ylabel("g(r)")
    axis.set_title(f"{model.card.name}, {given.title(condition)}", fontsize=9)
    axis.legend(fontsize=8, frameon=False)
    return Drawn(figure, rows, [_agreement(chosen)])


def _features(r: np.ndarray, g: np.ndarray) -> dict[str, float]:
    """Return place and height of the first peak, its mean distance, and the split of the second."""
    first = r < 3.8
    peak = int(np.argmax(np.where(first, g, 0)))
    a, b, c = g[peak - 1 : peak + 2]
    weight = g[first] * r[first] ** 2
    # Of a split peak the two halves are higher than what lies between them.
    second = (r > 3.8) & (r < 6.2)
    left = g[second & (r < 4.9)].max()
    right = g[second & (r > 4.9)].max()
    between = g[(r > r[second][np.argmax(g[second] * (r[second] < 4.9))]) & (r < 5.6)].min()
    return {
        "first_peak": r[peak] + 0.5 * (a - c) / (a - 2 * b + c) * (r[1] - r[0]),
        "height": b,
        "mean_distance": float(weight @ r[first] / weight.sum()),
        "second_peak": left, "its_shoulder": right, "dip_between": between,
    }  # fmt: skip


def _agreement(chosen) -> str:
    words = []
    for end in ("stiffest", "softest"):
        one, other = (np.concatenate(chosen[end, w]).mean(axis=0) for w in ("true", "predicted"))
        words.append(f"{end} {np.sqrt(np.mean((one - other) ** 2)):.3f}")
    return "root mean square of g(r) by prediction less g(r) by truth: " + ", ".join(words)
