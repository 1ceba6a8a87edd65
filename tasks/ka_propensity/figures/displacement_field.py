"""Displacements averaged over trajectories and over near neighbours, in a slice.

u_i = sum_j <dr_j> [r_ij(0) < r_f] / sum_j [r_ij(0) < r_f], j = i included, with the average over
isoconfigurational trajectories. These are run here from the first test configuration; `file=`
takes them from a published file of the paper's authors instead.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from glassbench.contract.errors import UserError
from glassbench.contract.units import mathtext
from glassbench.figures.canvas import new_figure
from glassbench.figures.given import Drawn, Given
from glassbench.simulation.generator import generator_of

SOURCE = "Shiba et al., J. Chem. Phys. 158, 084503 (2023), Eq. 16, Fig. 7d"
REPORTED = (
    "T = 0.44, t = 130 and 4120: collective motion over much more than a particle's size, more "
    "aligned at the shorter time"
)
MODELS = False
OPTIONS = {"trajectories": 8, "step": 0.005, "reach": 1.35, "thickness": 1.2, "file": ""}


def draw(given: Given) -> Drawn:
    """Draw the field at each condition, coloured by its component across the slice."""
    options, rows = given.options, []
    if options["trajectories"] < 2:
        raise ValueError("trajectories must be 2 at least, for two halves")
    panels = []
    if options["file"]:
        panels.append((Path(options["file"]).name, *_of_file(Path(options["file"]))))
    else:
        for condition in given.conditions:
            panels.append((given.title(condition), *simulated(given, condition)))
    figure = new_figure(0.6 + 4.2 * len(panels), 4.2)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (title, positions, box, moves) in zip(axes, panels, strict=True):
        mean = moves.mean(axis=0)
        field = averaged(mean, positions, box, options["reach"])
        halves = [averaged(moves[k::2].mean(axis=0), positions, box, options["reach"])
                  for k in (0, 1)]  # fmt: skip
        shown = np.abs(positions[:, 2] - box[2] / 2) < options["thickness"] / 2
        limit = np.percentile(np.abs(field[:, 2]), 98)
        arrows = axis.quiver(
            *positions[shown, :2].T, *field[shown, :2].T, field[shown, 2], cmap="coolwarm",
            clim=(-limit, limit), angles="xy", width=0.005,
        )  # fmt: skip
        axis.set(xlim=(0, box[0]), ylim=(0, box[1]), aspect="equal", title=title)
        axis.set_xlabel(f"x ({mathtext('sigma_AA')})")
        axis.set_ylabel(f"y ({mathtext('sigma_AA')})")
        figure.colorbar(arrows, ax=axis, label=f"$u_z$ ({mathtext('sigma_AA')})", shrink=0.8)
        rows.append({
            "condition": title, "trajectories": len(moves),
            "mean_displacement": np.linalg.norm(moves, axis=2).mean(),
            "rms_average": np.sqrt((mean**2).sum(axis=1).mean()),
            "rms_field": np.sqrt((field**2).sum(axis=1).mean()),
            "half_by_half": _alignment(*halves),
            **{f"aligned_at_{r}": _pair_alignment(field, positions, box, r) for r in (1, 2, 3, 5)},
        })  # fmt: skip
    note = "aligned_at_r: <u_i . u_j> / <u^2> of pairs at a distance within 0.25 of r"
    return Drawn(
        figure, rows, [note, "half_by_half: the same of fields from half of the trajectories"]
    )


def simulated(given: Given, condition):
    """Return positions (N, 3), box (3,) and displacements (R, N, 3) of new trajectories."""
    kob_andersen = generator_of("ka_propensity").kob_andersen
    (structure, *_) = given.view.structures("test", condition)
    positions, box = structure.positions % structure.box, structure.box
    protocol = kob_andersen.Protocol(
        temperature=condition["temperature"], tau_alpha=1.0, particles=len(positions),
        number_density=len(positions) / float(np.prod(box)), step=given.options["step"],
    )  # fmt: skip
    moves = []
    for number in range(given.options["trajectories"]):
        run = kob_andersen.isoconfigurational_trajectory(
            positions, structure.species, protocol, (condition["time"],),
            ("displacement_field", structure.configuration, number), given.folder / "run.log",
        )  # fmt: skip
        moves.append(run["positions"][0] - positions)
    return positions, box, np.array(moves)


def _of_file(path: Path):
    """Return the same of a file of the authors, in their cubic box of number density 1.2."""
    try:
        with np.load(path, allow_pickle=False) as file:
            start, later = file["initial_positions"], file["positions"]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"file={path} is no file of isoconfigurational trajectories: {error}"
        ) from None
    box = np.full(3, (len(start) / 1.2) ** (1 / 3))
    return start % box, box, np.asarray(later, float) - start


def averaged(
    values: np.ndarray, positions: np.ndarray, box: np.ndarray, reach: float
) -> np.ndarray:
    tree = cKDTree(positions, boxsize=box)
    return np.array([values[near].mean(axis=0) for near in tree.query_ball_point(positions, reach)])


def _alignment(one: np.ndarray, other: np.ndarray) -> float:
    return float((one * other).sum() / np.sqrt((one**2).sum() * (other**2).sum()))


def _pair_alignment(field, positions, box, distance: float) -> float:
    tree = cKDTree(positions, boxsize=box)
    far = tree.query_pairs(distance + 0.25, output_type="ndarray")
    near = far[_distances(far, positions, box) > distance - 0.25]
    dots = (field[near[:, 0]] * field[near[:, 1]]).sum(axis=1)
    return float(dots.mean() / (field**2).sum(axis=1).mean())


def _distances(pairs, positions, box) -> np.ndarray:
    away = positions[pairs[:, 0]] - positions[pairs[:, 1]]
    return np.linalg.norm(away - box * np.rint(away / box), axis=1)
