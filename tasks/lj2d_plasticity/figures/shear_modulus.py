"""Share of particles predicted to rearrange, against the shear modulus of sample and load."""

from __future__ import annotations

import numpy as np

from glassbench.contract.units import mathtext
from glassbench.figures.canvas import FLOORS, MARKERS, MODEL, new_figure
from glassbench.figures.given import Drawn, Given
from glassbench.metrics import pearson

SOURCE = "Fan & Ma, Nat. Commun. 12, 1506 (2021), Supplementary Fig. 19"
REPORTED = "glasses of many histories: the smaller the modulus, the larger the predicted share"
TASKS = ("lj2d_plasticity", "cuzr_plasticity")
MODELS = True
OPTIONS: dict[str, float] = {}


def draw(given: Given) -> Drawn:
    """Draw a point for each test sample under each load."""
    figure, rows = new_figure(5.2, 3.8), []
    axis = figure.subplots()
    for model, colour in zip(given.models, (MODEL, *FLOORS), strict=False):
        for condition, marker in zip(given.conditions, MARKERS, strict=False):
            moduli, shares, means = [], [], []
            for example, _, guess in given.answers(model, condition):
                moduli.append(_modulus(given, example.structure.configuration))
                shares.append((guess > 0.5).mean())
                means.append(guess.mean())
            words = given.title(condition, ("quench_time", "cooling_rate", "composition"))
            axis.plot(moduli, shares, marker, color=colour, label=f"{model.card.name}, {words}")
            rows.append({
                "model": model.card.name, "strain": condition["strain"], "loads": len(moduli),
                "mean_modulus": np.mean(moduli), "spread_of_modulus": np.std(moduli),
                "mean_share": np.mean(shares), "pearson_share": pearson(shares, moduli),
                "pearson_mean_probability": pearson(means, moduli),
            })  # fmt: skip
    state = given.view.dataset.state(given.view.dataset.states[0])
    axis.set_xlabel(f"shear modulus ({mathtext(state.units('shear_stress'))})")
    axis.set_ylabel("predicted share")
    axis.legend(fontsize=7, frameon=False)
    return Drawn(
        figure, rows, ["all samples have one history here, and their moduli differ little"]
    )


def _modulus(given: Given, name: str) -> float:
    """Return the slope of the stress up to the smallest stored strain."""
    sample, _, load = name.partition("@")
    for state in map(given.view.dataset.state, given.view.dataset.states):
        if sample in state.configuration_ids:
            index = state.configuration_ids.index(sample)
            curve = state.one("shear_stress", index)[
                [str(p) for p in state.short("protocol")].index(load)
            ]
            last = int(np.argmin(np.abs(state.short("step") - state.short("strain")[0])))
            return float((curve[last] - curve[0]) / state.short("strain")[0])
    raise ValueError(f"no state has the sample {sample}")
