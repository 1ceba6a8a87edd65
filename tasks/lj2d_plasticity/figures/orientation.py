"""Surroundings of the particles that rearrange most and least, along and across the elongation.

In the frame of each load the elongation points along x = y. All loads and all samples of the
training split are taken together, and the smaller particles around one another, or those of
`species`.
"""

from __future__ import annotations

import numpy as np

from glassbench.contract.units import mathtext
from glassbench.figures.canvas import FLOORS, MODEL, new_figure
from glassbench.figures.given import Drawn, Given
from glassbench.structure import density_maps, neighbour_pairs, padded_surroundings
from glassbench.structure.density_map import DensityMapGrid

SOURCE = "Fan & Ma, Nat. Commun. 12, 1506 (2021), Fig. 2, Eq. 3 and 4"
REPORTED = (
    "particles of the highest 0.5 % D2min: neighbours along the elongation are farther, across it "
    "nearer, and in 3D those in the plane of shear are nearer; of the lowest: the curves overlap"
)
TASKS = ("lj2d_plasticity", "cuzr_plasticity")
MODELS = False
OPTIONS = {"share": 0.005, "species": ""}
HISTORY = ("quench_time", "cooling_rate", "composition")
SMALLER = ("S", "Cu")
ANGLES = 3  # bins of 30 degrees


def draw(given: Given) -> Drawn:
    """Draw g(r, angle) of the first shell, and the difference of the mean density maps in 2D."""
    condition, options = given.conditions[-1], given.options
    curves, maps, spacing = _measured(given, condition, options)
    planar = maps is not None
    names = ["theta"] if planar else ["theta", "phi"]
    figure = new_figure(4.4 * (1 + len(names) if planar else len(names)), 3.7)
    axes = figure.subplots(1, 2)
    rows, state = [], given.view.dataset.states[0]
    for axis, name in zip(axes, names):
        for end, colour in (("lowest", "#999999"), ("highest", FLOORS[0])):
            r, g = curves[end, name]
            for number, line in enumerate(g):
                ends = f"{30 * number}° to {30 * number + 30}°"
                style = ("-", "--", ":")[number]
                axis.plot(r, line, style, color=colour, label=f"{end}, {name} {ends}")
                shell = r < 1.45 * spacing
                weight = line[shell] * r[shell] ** (1 if planar else 2)
                rows.append({
                    "D2min": end, "angle": name, "from": 30 * number, "to": 30 * number + 30,
                    "mean_distance": weight @ r[shell] / weight.sum(),
                    "peak": r[shell][np.argmax(line[shell])], "height": line[shell].max(),
                })  # fmt: skip
        axis.set_xlabel(f"r ({mathtext(given.view.dataset.state(state).units('positions'))})")
        axis.set(
            ylabel=f"g(r, {name})",
            title=given.title(condition, HISTORY),
            xlim=(0.5 * spacing, 1.6 * spacing),
        )
        axis.legend(fontsize=6, frameon=False)
    if planar:
        reach = 2.5 * spacing
        limit = np.abs(maps).max()
        shown = axes[1].imshow(maps, origin="lower", cmap="coolwarm", vmin=-limit, vmax=limit,
                               extent=(-reach, reach, -reach, reach))  # fmt: skip
        axes[1].plot([-reach, reach], [-reach, reach], "--", color=MODEL, linewidth=0.8)
        axes[1].set_title("density, highest less lowest; dashed: elongation", fontsize=8)
        figure.colorbar(shown, ax=axes[1], shrink=0.85)
    return Drawn(figure, rows, _ratios(rows))


def _ratios(rows) -> list[str]:
    notes = []
    for name in dict.fromkeys(row["angle"] for row in rows):
        for end in ("highest", "lowest"):
            own = [r["mean_distance"] for r in rows if (r["D2min"], r["angle"]) == (end, name)]
            notes.append(f"{end} D2min: mean distance at the smallest over the largest {name}: "
                         f"{own[0] / own[-1]:.4f}")  # fmt: skip
    return notes


def _measured(given: Given, condition, options):
    """Return r and g (angles, r) by end and angle; the difference of density maps, None in 3D."""
    counts, particles, maps = {}, {}, {}
    names = [given.view.species_name(condition, kind) for kind in (0, 1)]
    wanted = (options["species"],) if options["species"] else SMALLER
    if not set(wanted) & set(names):
        raise ValueError(f"species={options['species']} is none of {', '.join(names)}")
    species = next(kind for kind, name in enumerate(names) if name in wanted)
    examples = given.view.examples("train", (condition,))
    spacing = 0.0
    for example in examples:
        structure, d2min = example.structure, np.asarray(example.targets["d2min"])
        box, frame = structure.box, structure.frame
        if not spacing:
            spacing = _first_distance(structure, species)
            edges = np.linspace(0.5 * spacing, 1.6 * spacing, 56)
        own = np.flatnonzero(structure.species == species)
        order = own[np.argsort(d2min[own])]
        count = max(1, round(options["share"] * len(d2min) * len(own) / len(d2min)))
        pairs = neighbour_pairs(structure.positions, box, edges[-1])
        density = len(own) / np.prod(box)
        for end, chosen in (("lowest", order[:count]), ("highest", order[-count:])):
            near = np.isin(pairs.receivers, chosen) & (structure.species[pairs.senders] == species)
            vectors = pairs.vectors[near] @ frame.T
            r = np.linalg.norm(vectors, axis=1)
            for name, angle in _angles(vectors, r).items():
                found = np.histogram2d(angle, r, bins=(np.linspace(0, 90, ANGLES + 1), edges))[0]
                counts[end, name] = counts.get((end, name), 0) + found / density
            particles[end] = particles.get(end, 0) + len(chosen)
            if len(box) == 2:
                reach = 2.5 * spacing
                grid = DensityMapGrid(reach, reach / 25)
                around = padded_surroundings(structure.positions, structure.species, box, reach,
                                             centres=chosen, frame=frame)  # fmt: skip
                import torch

                total = density_maps(torch.as_tensor(around), grid)[:, species].sum(dim=0).numpy()
                maps[end] = maps.get(end, 0) + total
    r = (edges[1:] + edges[:-1]) / 2
    curves = {
        (end, name): (r, found / _shells(name, edges, len(box)) / particles[end])
        for (end, name), found in counts.items()
    }
    difference = None
    if maps:
        difference = maps["highest"] / particles["highest"] - maps["lowest"] / particles["lowest"]
    return curves, difference, spacing


def _angles(vectors, r) -> dict[str, np.ndarray]:
    """Return the angle to the elongation, and in 3D that about it, in degrees from 0 to 90."""
    along = (vectors[:, 0] + vectors[:, 1]) / np.sqrt(2)
    angles = {"theta": np.degrees(np.arccos(np.clip(np.abs(along) / r, 0, 1)))}
    if vectors.shape[1] == 3:
        across = np.abs(vectors[:, 0] - vectors[:, 1]) / np.sqrt(2)
        angles["phi"] = np.degrees(np.arctan2(np.abs(vectors[:, 2]), across))
    return angles


def _shells(name: str, edges: np.ndarray, dimension: int) -> np.ndarray:
    """Return the volumes (angles, r) of the bins: kappa of Eq. 3 and 4."""
    bounds = np.radians(np.linspace(0, 90, ANGLES + 1))
    if dimension == 2:
        return np.outer(2 * np.diff(bounds), np.diff(edges**2))
    solid = 4 * np.pi * -np.diff(np.cos(bounds)) if name == "theta" else 8 * np.diff(bounds)
    return np.outer(solid, np.diff(edges**3) / 3)


def _first_distance(structure, species: int) -> float:
    """Return where the distribution of a species around itself has its first peak."""
    own = structure.species == species
    pairs = neighbour_pairs(structure.positions[own], structure.box, 4.0)
    counts, edges = np.histogram(pairs.distances, 160, (0.0, 4.0))
    middles = (edges[1:] + edges[:-1]) / 2
    g = counts / middles ** (len(structure.box) - 1)
    first = middles[g > 0][0]
    return float(middles[np.argmax(np.where(middles < 1.6 * first, g, 0))])
