"""A group's own quasistatic shear: from strained frames to D2min and labels.

A sample is a folder with one file a load, whose name is that of the load. Its first frame is the
undeformed minimum in a box with right angles, the others are strained: their boxes say by how
much, and along which axes. Above it stand, as they are there, a folder of its parent sample, and
`train`, `valid` or `test`. Lengths are in Angstrom, or in sigma_SL in two dimensions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from glassbench.contract.errors import SourceError
from glassbench.datasets.formats import ENDINGS, Frame, read_frames, structure_of
from glassbench.datasets.formats.frame import TILT, in_dimension
from glassbench.datasets.layout import StateLayout
from glassbench.datasets.source import (
    PlannedState,
    Problem,
    SourcePlan,
    Words,
    called_species,
    one_number,
    own_attributes,
    own_configurations,
    own_splits,
)
from glassbench.simulation.generator import import_generator
from glassbench.structure import non_affine_squared_displacement

_generator = import_generator(Path(__file__).resolve().parents[1] / "generate")
plasticity = _generator.plasticity

AXES_OF = {2: ("quench_time",), 3: ("cooling_rate", "composition")}
SPECIES = {2: ("L", "S"), 3: ("Cu", "Zr")}
UNITS = {2: "lj2d", 3: "metal"}
CUTOFFS = {2: 2.5, 3: 4.5}
WORDS = ("cutoff", "quench_time", "cooling_rate", "composition", "test_fraction", "species.<label>")
CURVES = ("shear_stress", "potential_energy")
THRESHOLD, BITS = "d2min_threshold", 23
# Beyond this share of the strain a deformation is no simple shear along the axes of the box.
OTHER_STRAIN = 1e-3


def plan(source: Path, words: Words) -> SourcePlan:
    """Return the one state of a folder; of each load the first file that can be read is opened."""
    configurations = own_configurations(source, ENDINGS)
    files = [one.files for one in configurations]
    runs: dict[str, tuple] = {}
    problems: list[Problem] = []
    for file in sum(files, ()):
        if _load_name(file) not in runs:
            runs |= _read_loads(source, [file], words, problems)
    if not runs:
        raise SourceError(f"no load can be read. First: {problems[0].message}")
    (strains, frames), (structure, *_) = _loads(runs), next(iter(runs.values()))
    dimension = len(structure.box)
    known = {"composition": 100 * float(np.mean(structure.species == 0))}
    state = plasticity.PlasticityState(
        name="imported",
        attributes={n: one_number(words, n, known.get(n)) for n in AXES_OF[dimension]},
        samples=own_splits(configurations, words, "imported"),
        particles=len(structure.positions),
        species=SPECIES[dimension],
        frames=frames,
        strains=strains,
        curve_strains=(0.0, *strains),
        load=lambda index: {},
    )
    shape = (len(plasticity.FRACTIONS), len(strains))
    layout = plasticity._layout(state, np.zeros(shape), BITS)
    # Dumps hold no stress, and no energy.
    layout = replace(
        layout,
        variables=tuple(v for v in layout.variables if v.name not in CURVES),
        coordinates={n: c for n, c in layout.coordinates.items() if n != "step"},
    )
    attributes = own_attributes(
        title="Sheared glasses of a group's own",
        units_system=UNITS[dimension],
        protocol="athermal quasistatic shear, imported",
    )
    return SourcePlan(attributes, (PlannedState(layout, tuple(files)),))


def shared_arrays(source: Path, planned: PlannedState, words: Words) -> dict[str, np.ndarray]:
    """Return the thresholds of D2min (fraction, strain), from the training samples."""
    layout = planned.layout

    def load(index: int) -> dict[str, np.ndarray]:
        try:
            return _arrays(source, planned.files[index], layout, words, [])
        except SourceError:
            return {"d2min": np.full(_shape(layout), np.nan)}

    state = _state(layout, load)
    return {THRESHOLD: plasticity._all_thresholds([state], BITS)[layout.name]}


def read(
    source: Path, files: Sequence[str], layout: StateLayout, index: int, words: Words
) -> tuple[dict[str, np.ndarray] | None, list[Problem]]:
    """Return the arrays of a sample, and the loads that cannot be used."""
    problems: list[Problem] = []
    try:
        given = _arrays(source, files, layout, words, problems)
    except SourceError as error:
        return None, [*problems, Problem(files[0], str(error))]
    thresholds = next(values for variable, values in layout.shared if variable.name == THRESHOLD)
    entry = layout.configurations[index]
    state = replace(_state(layout, lambda _: given), samples=(entry,))
    (arrays,) = plasticity._arrays(state, thresholds, BITS)
    return arrays, problems


def _shape(layout: StateLayout) -> tuple[int, int, int]:
    loads, strains = (len(layout.coordinates[name].values) for name in ("protocol", "strain"))
    return loads, strains, layout.particles


def _state(layout: StateLayout, load) -> plasticity.PlasticityState:
    """Return the state of a layout, to be labelled as the task labels."""
    protocols = layout.coordinates["protocol"].values
    (frames,) = (values for variable, values in layout.shared if variable.name == "frame")
    strains = layout.coordinates["strain"].values
    return plasticity.PlasticityState(
        name=layout.name,
        attributes={},
        samples=layout.configurations,
        particles=layout.particles,
        species=SPECIES[layout.dimension],
        frames=dict(zip(protocols, frames)),
        strains=strains,
        curve_strains=strains,
        load=load,
    )


def _arrays(
    source: Path,
    files: Sequence[str],
    layout: StateLayout,
    words: Words,
    problems: list[Problem],
) -> dict[str, np.ndarray]:
    """Return structure and D2min (protocol, strain, N); a load that cannot be used is NaN."""
    state = _state(layout, None)
    d2min = np.full(_shape(layout), np.nan)
    runs = _read_loads(source, files, words, problems)
    if not runs:
        raise SourceError("none of its loads can be read")
    structure = next(iter(runs.values()))[0]
    cutoff = one_number(words, "cutoff", CUTOFFS[layout.dimension])
    for number, (name, frame) in enumerate(state.frames.items()):
        if name not in runs:
            continue
        start, first, later = runs[name]
        strains, frames = _loads({name: runs[name]})
        fits = len(strains) == len(state.strains) and np.allclose(strains, state.strains, atol=1e-6)
        same = len(start.positions) == layout.particles and np.allclose(
            first.positions, runs[next(iter(runs))][1].positions, atol=1e-4
        )
        if not fits or not same or not np.allclose(frames[name], frame):
            problems.append(
                Problem(name, f"its strains {strains}, frame or start differ from those of others")
            )
            continue
        for row, each in enumerate(later):
            d2min[number, row] = non_affine_squared_displacement(
                first.positions, each.positions, first.box, cutoff, _cell(each)
            )
    if np.isnan(d2min).all():
        raise SourceError("none of its loads can be used")
    return {
        "positions": structure.positions,
        "species": structure.species,
        "box": structure.box,
        "d2min": d2min,
    }


def _load_name(file: str) -> str:
    return Path(file).name.partition(".")[0]


def _read_loads(
    source: Path, files: Sequence[str], words: Words, problems: list[Problem]
) -> dict[str, tuple]:
    """Return, by load, the structure at rest, its frame and the strained frames."""
    runs: dict[str, tuple] = {}
    for file in files:
        try:
            runs[_load_name(file)] = _read_load(source / file, words)
        except SourceError as error:
            problems.append(Problem(file, str(error)))
    return runs


def _read_load(path: Path, words: Words) -> tuple:
    frames = read_frames(path, tilted=True)
    flat = len(frames[0].box) == 2 or np.ptp(frames[0].positions[:, 2]) <= TILT
    dimension = 2 if flat else 3
    first, *later = (in_dimension(frame, dimension) for frame in frames)
    if not later or first.cell is not None:
        raise SourceError(
            f"{path}: its first frame is the glass at rest, in a box with right angles; strained "
            f"ones follow. It has {len(frames)} frames, the first with the box "
            f"{first.box.tolist() if first.cell is None else first.cell.tolist()}"
        )
    for frame in later:
        if not np.array_equal(frame.labels, first.labels):
            raise SourceError(f"{path}, frame {frame.number}: it has other particles than frame 0")
    called = called_species(words, SPECIES[dimension])
    structure = structure_of(
        first, path.stem, dimension=dimension, species=SPECIES[dimension], called=called
    )
    return structure, first, later


def _cell(frame: Frame) -> np.ndarray:
    return np.diag(frame.box) if frame.cell is None else frame.cell


def _loads(runs: Mapping[str, tuple]) -> tuple[tuple[float, ...], dict[str, np.ndarray]]:
    """Return the strains of the first load, and the frame of each: direction, normal, third."""
    frames: dict[str, np.ndarray] = {}
    strains: list[tuple[float, ...]] = []
    for name, (_, first, later) in runs.items():
        sheared = [_shear(name, first, each) for each in later]
        strains.append(tuple(round(strain, 9) for strain, _ in sheared))
        frames[name] = sheared[-1][1]
    return strains[0], frames


def _shear(name: str, first: Frame, later: Frame) -> tuple[float, np.ndarray]:
    """Return the strain between two frames, and the frame of the load."""
    # Rows of a cell are its vectors, which F turns: h' = h F^T.
    gradient = (np.linalg.solve(np.diag(first.box), _cell(later)) - np.eye(len(first.box))).T
    along, normal = np.unravel_index(np.argmax(np.abs(gradient)), gradient.shape)
    strain = gradient[along, normal]
    rest = gradient.copy()
    rest[along, normal] = 0
    if along == normal or np.abs(rest).max() > OTHER_STRAIN * abs(strain):
        raise SourceError(
            f"frame {later.number} of {name} is no simple shear along the axes of the box: its "
            f"displacement gradient is {gradient.round(6).tolist()}"
        )
    axes = np.eye(len(first.box))
    rows = [np.sign(strain) * axes[along], axes[normal]]
    if len(axes) == 3:
        rows.append(np.cross(*rows))
    return float(abs(strain)), np.array(rows)
