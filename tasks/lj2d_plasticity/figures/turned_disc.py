"""A disc cut from a glass, turned and sheared: D2min of its middle beside what models predict.

The particle of the largest D2min is moved to the middle of the box. All beyond the largest disc,
or `radius`, is deleted; the disc is turned counter-clockwise and sheared, and its outer annulus
of width 5 follows the load alone.
"""

from __future__ import annotations

import numpy as np

from glassbench.figures.canvas import FLOORS, MODEL, new_figure
from glassbench.figures.given import Drawn, Given
from glassbench.metrics import pearson
from glassbench.simulation.lammps_library import gather_by_id, lammps_session, place_atoms
from glassbench.simulation.material import Material, in_space, open_cell
from glassbench.simulation.quasistatic_shear import MINIMISER, ShearSchedule
from glassbench.structure import minimum_image, non_affine_squared_displacement
from glassbench.trial.rotation import turned_against_load

from ._shear import state_and_schedule, substance

SOURCE = "Fan & Ma, Nat. Commun. 12, 1506 (2021), Fig. 4 and Methods"
REPORTED = "D2min and the predicted probability are largest at 0° and 180°, near 0 at 90° and 270°"
MODELS = True
OPTIONS = {"angles": 12, "radius": 0.0, "sample": 0}
WALL = 5.0


def draw(given: Given) -> Drawn:
    """Draw D2min against the angle, and the probability that each model gives the particle."""
    condition, options = given.conditions[0], given.options
    material, _ = substance(given.task.name)
    _, schedule = state_and_schedule(given, strains=(condition["strain"],))
    loaded = [e for e in given.view.examples("test", (condition,))
              if e.structure.configuration.endswith("@simple_positive")]  # fmt: skip
    if not 0 <= options["sample"] < len(loaded):
        raise ValueError(f"sample={options['sample']}: {len(loaded)} were sheared simple_positive")
    example = loaded[options["sample"]]
    structure, measured = example.structure, np.asarray(example.targets["d2min"])
    particle = int(np.argmax(measured))
    degrees = np.arange(options["angles"]) * 360.0 / options["angles"]
    disc, species = _disc(structure, particle, options["radius"])
    d2min = np.array([
        _sheared(disc, species, angle, material, schedule, given.folder) for angle in degrees
    ])  # fmt: skip
    figure = new_figure(4.6, 4.8)
    axis = figure.subplots(subplot_kw={"projection": "polar"})
    around = np.radians(np.append(degrees, 360.0))
    axis.plot(around, np.append(d2min, d2min[0]) / d2min.max(), "o:", color=MODEL, markersize=4,
              label=r"$D^2_\mathrm{min}$ / largest")  # fmt: skip
    rows = [{"what": "D2min", **_anisotropy(d2min, degrees), "pearson_with_log_D2min": 1.0}]
    for model, colour in zip(given.models, FLOORS, strict=False):
        turned = [turned_against_load(structure, angle) for angle in degrees]
        answers = model.fitted(condition).predict(turned, condition)
        values = np.array([answer["rearranging"][particle] for answer in answers], float)
        axis.plot(around, np.append(values, values[0]), "-", color=colour, label=model.card.name)
        rows.append({"what": model.card.name, **_anisotropy(values, degrees),
                     "pearson_with_log_D2min": pearson(values, np.log(d2min))})  # fmt: skip
    axis.legend(fontsize=7, loc="lower right", frameon=False)
    axis.set_title(f"particle {particle} of {structure.configuration}, "
                   rf"$\gamma$ = {condition['strain']:g}", fontsize=9)  # fmt: skip
    note = (f"in the periodic sample its D2min is {measured[particle]:.4g}, "
            f"in the disc of {len(disc)} particles at 0° {d2min[0]:.4g}")  # fmt: skip
    return Drawn(figure, rows, [note])


def _anisotropy(values: np.ndarray, degrees: np.ndarray) -> dict[str, float]:
    """Return values at quarter turns, and their alternating sum over the largest."""
    at = {angle: float(values[np.argmin(np.abs(degrees - angle))]) for angle in (0, 90, 180, 270)}
    sum_ = (at[0] + at[180] - at[90] - at[270]) / values.max()
    return {f"{angle}°": value for angle, value in at.items()} | {"anisotropy": sum_}


def _disc(structure, particle: int, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Return positions about the particle, which comes first, and species, within a radius."""
    away = minimum_image(structure.positions - structure.positions[particle], structure.box)
    radius = radius or float(structure.box.min() / 2)
    distance = np.linalg.norm(away, axis=1)
    order = np.argsort(distance)
    inside = order[distance[order] < radius]
    return away[inside], structure.species[inside]


def _sheared(
    disc: np.ndarray, species: np.ndarray, degrees: float, material: Material,
    schedule: ShearSchedule, folder,
) -> float:  # fmt: skip
    """Return D2min of the middle particle after simple shear of the disc, turned by an angle."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    start = disc @ turn.T
    radius = np.linalg.norm(disc, axis=1).max()
    edge = 2 * radius + 10.0
    wall = np.flatnonzero(np.linalg.norm(disc, axis=1) > radius - WALL) + 1
    with lammps_session(folder / "shear.log") as lammps:
        open_cell(lammps, material, np.diag([edge, edge]), sort=False)
        place_atoms(lammps, in_space(start + edge / 2), species + 1)
        lammps.command("group wall id " + " ".join(map(str, wall.tolist())))
        lammps.command("fix held wall setforce 0 0 0")
        for command in MINIMISER:
            lammps.command(command)
        for step in range(schedule.steps + 1):
            moved = gather_by_id(lammps, "x")
            if step:
                moved[:, 0] += schedule.step * (moved[:, 1] - edge / 2)
                lammps.scatter_atoms("x", 1, 3, np.ctypeslib.as_ctypes(moved.ravel()))
            lammps.command(f"minimize 0 {schedule.force_tolerance} 20000 200000")
            if not step:
                start = gather_by_id(lammps, "x")[:, :2] - edge / 2
        end = gather_by_id(lammps, "x")[:, :2] - edge / 2
    box = np.full(2, edge)
    values = non_affine_squared_displacement(
        start + edge / 2, end + edge / 2, box, schedule.neighbour_cutoff
    )
    return float(values[0])
