"""What a network has learned: how far its features and its errors correlate, and their map.

Features are what the last linear layer of the network reads of each particle. Their correlation is
C(r) = sum_k <f_ik f_jk> / sum_k <f_ik^2> over pairs at the distance r, with the mean of each
feature over the structure taken out, which lowers C(r) by a constant in a finite box. The length
is that of A exp(-r / length) - b, fitted from the first shell to half of the box. The map is the
embedding of the features by t-SNE.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassbench.contract.errors import UserError
from glassbench.contract.units import mathtext
from glassbench.figures.canvas import CEILING, FLOORS, MODEL, new_figure
from glassbench.figures.given import Drawn, Given
from glassbench.metrics import pearson
from glassbench.structure import minimum_image

SOURCE = "Bapst et al., Nat. Phys. 16, 448 (2020), Fig. 5"
REPORTED = (
    "T = 0.44: the length of what the network has learned grows with time, up to the size of the "
    "system"
)
TASKS = ("ka_propensity", "cuzr_stiffness")
MODELS = True
OPTIONS = {"configurations": 2, "centres": 1000, "embedded": 1500, "map": True}
BINS = 30
NEAREST = 1.0  # mean distances, where the fit begins


def draw(given: Given) -> Drawn:
    """Draw the correlations at each condition, and the map at the last one."""
    model, options, rows = given.models[0], given.options, []
    wide = len(given.conditions) + int(options["map"])
    figure = new_figure(3.6 * wide, 3.6)
    axes = figure.subplots(1, wide, squeeze=False)[0]
    for axis, condition in zip(axes, given.conditions):
        fitted, fields = model.fitted(condition), []
        for example, truth, guess in given.answers(model, condition):
            if len(fields) < options["configurations"]:
                features = features_of(fitted, example.structure, condition)
                fields.append((example.structure, features, truth, guess))
        row = {"model": model.card.name, **condition, "features": fields[0][1].shape[1]}
        for name, colour, values in (
            ("features", MODEL, [f for _, f, _, _ in fields]),
            ("prediction", FLOORS[1], [g for _, _, _, g in fields]),
            ("truth", "black", [t for _, _, t, _ in fields]),
            ("error", FLOORS[0], [g - t for _, _, t, g in fields]),
        ):
            structures = [structure for structure, *_ in fields]
            r, c, length = correlation(structures, values, options["centres"])
            axis.plot(r, c, ".-", color=colour, label=f"{name}, length {length:.2f}")
            row[f"length_of_{name}"] = length
        axis.axhline(0, color=CEILING, linewidth=0.6)
        axis.set(title=f"{model.card.name}, {given.title(condition)}", ylim=(None, 1.0))
        axis.set_xlabel("r, in the unit of the positions")
        axis.legend(fontsize=7, frameon=False)
        rows.append(row)
    axes[0].set_ylabel("C(r)")
    notes = []
    if options["map"]:
        notes.append(_draw_map(axes[-1], figure, *fields[0][1:3], options["embedded"], given))
    return Drawn(figure, rows, notes)


def features_of(model: Any, structure, condition) -> np.ndarray:
    """Return what the last linear layer reads of each particle of a structure, (N, features)."""
    import torch

    network = getattr(model, "module", None)
    if not isinstance(network, torch.nn.Module):
        raise UserError("this figure needs a model with a torch network, such as nt_gnn")
    read: dict[str, list[np.ndarray]] = {}

    def keep(name: str):
        def hook(_, inputs) -> None:
            values = inputs[0].detach().float().cpu().numpy()
            read.setdefault(name, []).append(values)

        return hook

    layers = [(n, m) for n, m in network.named_modules() if isinstance(m, torch.nn.Linear)]
    hooks = [module.register_forward_pre_hook(keep(name)) for name, module in layers]
    try:
        model.predict([structure], condition)
    finally:
        for hook in hooks:
            hook.remove()
    count = len(structure.positions)
    # A network may ask a layer for a part of the particles at a time.
    whole = [np.concatenate(parts) for parts in read.values() if parts[0].ndim == 2]
    fitting = [values for values in whole if len(values) == count]
    if not fitting:
        raise UserError("no linear layer of the network reads one row for each particle")
    return fitting[-1]


def correlation(structures, values, centres: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Return r, C(r) averaged over structures, and the length of its exponential decay."""
    edges = np.linspace(0.0, min(float(one.box.min()) for one in structures) / 2, BINS + 1)
    sums, counts = np.zeros(BINS), np.zeros(BINS)
    for structure, field in zip(structures, values, strict=True):
        f = np.asarray(field, float).reshape(len(structure.positions), -1)
        f = f - f.mean(axis=0)
        f /= np.sqrt((f**2).sum(axis=1).mean()) or 1.0
        step = max(1, len(f) // centres)
        for block in np.array_split(np.arange(0, len(f), step), 8):
            away = structure.positions[None] - structure.positions[block][:, None]
            r = np.linalg.norm(
                minimum_image(away.reshape(-1, away.shape[-1]), structure.box), axis=1
            )
            products = (f[block] @ f.T).ravel()
            bins = np.digitize(r, edges) - 1
            inside = (bins < BINS) & (r > 0)
            sums += np.bincount(bins[inside], products[inside], BINS)
            counts += np.bincount(bins[inside], minlength=BINS)
    r, seen = (edges[1:] + edges[:-1]) / 2, counts > 0
    c = np.divide(sums, counts, out=np.full(BINS, np.nan), where=seen)
    return r, c, _decay_length(r, c, structures[0])


def _decay_length(r: np.ndarray, c: np.ndarray, structure) -> float:
    """Return the length of A exp(-r / length) - b by least squares, NaN where no fit is found."""
    from scipy.optimize import curve_fit

    spacing = (np.prod(structure.box) / len(structure.positions)) ** (1 / len(structure.box))
    fitted = np.isfinite(c) & (r > NEAREST * spacing)
    try:
        (_, length, _), _ = curve_fit(
            lambda x, a, xi, b: a * np.exp(-x / xi) - b,
            r[fitted],
            c[fitted],
            (0.5, spacing, 0.0),
            bounds=([0, 0.01 * spacing, 0], [np.inf, 100 * spacing, 1]),
        )
    except (RuntimeError, ValueError):
        return float("nan")
    return float(length)


def _draw_map(axis, figure, features, truth, embedded: int, given: Given) -> str:
    """Draw the embedding of some particles, coloured by the truth; return what PCA says."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    chosen = np.random.default_rng(0).permutation(len(features))[:embedded]
    deviation = features[chosen] - features[chosen].mean(axis=0)
    flat = TSNE(perplexity=30, random_state=0, init="pca").fit_transform(deviation)
    low, high = np.percentile(truth, [2, 98])
    shown = axis.scatter(*flat.T, c=truth[chosen], s=5, cmap="viridis", vmin=low, vmax=high)
    axis.set(xticks=[], yticks=[], title="features, t-SNE")
    unit = mathtext(given.task.targets[given.task.target].unit)
    figure.colorbar(shown, ax=axis, label=f"true {given.task.target} ({unit})", shrink=0.85)
    components = PCA(n_components=2).fit(deviation)
    first = abs(pearson(components.transform(deviation)[:, 0], truth[chosen]))
    share = components.explained_variance_ratio_
    return (
        f"two principal components of the features hold {share.sum():.1%} of their variance; "
        f"the first correlates with the truth at {first:.3f}"
    )
