"""`glassbench predict`: what a trained model says about structures of the user's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.conditions import AxisChoice, choose_conditions
from ..contract.errors import UserError, WordError
from ..experiments.words import (
    check_keys,
    distinct,
    hyperparameters_of,
    items_of,
    parse_axis,
    parse_cluster,
    parse_seeds,
)
from ..home.workspace import Workspace
from .output import Asked, Result, command, say
from .progress import Display
from .tables import in_table

if TYPE_CHECKING:
    import numpy as np

    from ..datasets.formats import Frame
    from ..experiments.request import BenchmarkRequest
    from ..model import Condition, Structure
    from ..trial.fitted import FittedModel

KEYS = (
    "model", "structure", "out", "task", "dataset", "seed", "epochs", "species", "load",
    "replicate", "plot", "potential", "cluster", "home",
)  # fmt: skip


@command(None)
def predict(asked: Asked) -> Result:
    """Predict from structures of your own, and write the prediction as a column of their files.

    model=NAME|RUN|RECORD|FILE.safetensors structure=FILE[,FILE…] [out=FILE|FOLDER]
    [temperature=…] [time=…] [task=NAME] [dataset=NAME] [seed=0..4] [epochs=N]
    [model.HYPERPARAMETER=VALUE] [species=1:A,2:B]
    [load=NAME] [replicate=N] [potential=NAME] [plot=on] [cluster=none|auto|HOST:PORT]
    [home=FOLDER]

    Files are extended XYZ, LAMMPS dumps as text (or .gz), GSD and .npz, with any number of frames;
    out= is of the same format. A model that has no run here is trained first, on the data that
    its task brings along. species= says what the file calls the species, replicate= repeats a
    small box along each axis, load= names the load of a deformed glass, potential= makes the
    inherent and cage positions that a model reads and the file lacks. With several seeds a second
    column holds their standard deviation.
    """
    values = asked.values
    words = {k: v for k, v in values.items() if k not in KEYS and not k.startswith("model.")}
    axes = {k: parse_axis(k, v) for k, v in words.items()}
    for key in ("model", "structure"):
        if key not in values:
            raise WordError(
                f"`{key}=` is missing: glassbench predict model=NAME structure=FILE predicts"
            )
    files = [Path(name).expanduser() for name in items_of("structure", values["structure"])]
    outs = [out_of(file, values, len(files)) for file in distinct("structure", files)]
    from ..datasets.formats import read_frames

    frames = {file: read_frames(file, lambda m: say(f"left out: {m}")) for file in files}
    model = _model(asked, axes, frames)
    check_keys({k: "" for k in axes}, (*KEYS, *(axis.name for axis in model.task.axes)))
    conditions = choose_conditions(model.conditions, axes, {}, f"the run of {model.name}")
    plain = [
        row
        for file, out in zip(files, outs, strict=True)
        for row in _predict_file(asked, model, conditions, file, frames[file], out)
    ]
    rows = [
        (row["structure"], str(row["particles"]), row["column"])
        + tuple(f"{row[name]:.4g}" for name in ("mean", "low", "high"))
        for row in plain
    ]
    table = in_table(("structure", "particles>", "column", "mean>", "low>", "high>"), rows)
    return Result(
        {"model": model.name, "predictions": plain, "files": [str(out) for out in outs]},
        [*table, "", *(f"written: {out}" for out in outs)],
    )


def _model(
    asked: Asked, axes: Mapping[str, AxisChoice], frames: Mapping[Path, Sequence[Frame]]
) -> FittedModel:
    """Return the trained model that is asked for; one without a run is trained first."""
    from ..experiments.trained import load_model

    values = asked.values

    def train(request: BenchmarkRequest) -> None:
        _refuse_missing(frames, request, "potential" in values)
        where = "; ".join(condition.name for condition in request.conditions)
        say(
            f"{request.model.name} has no run here: it is trained now on {request.dataset.name} "
            f"of {request.task.name} at {where}; its record is kept for the next time"
        )
        _train(request, asked.workspace, asked.json)

    return load_model(
        values["model"],
        asked.workspace,
        task=values.get("task"),
        dataset=values.get("dataset"),
        axes=axes,
        seeds=parse_seeds(values["seed"]) if "seed" in values else (),
        hyperparameters=hyperparameters_of(values),
        cluster=parse_cluster(values.get("cluster", "auto")),
        train=train,
    )


def _predict_file(
    asked: Asked,
    model: FittedModel,
    conditions: Sequence[Condition],
    file: Path,
    frames: Sequence[Frame],
    out: Path,
) -> list[dict[str, Any]]:
    """Write a file with its predictions, and return what each column of each frame holds."""
    from ..datasets.formats import write_columns

    values, replicate = asked.values, asked.count("replicate", 1)
    called = called_species(values.get("species"))
    plain, columns, structures = [], [], []
    for frame in frames:
        structure = model.structure(file, frame, called, values.get("load", ""))
        if "potential" in values:
            structure = _prepared(structure, values["potential"], model, conditions)
        predicted, unlike = _predict(model, structure, frame, conditions, replicate)
        for message in unlike:
            say(f"warning: {structure.configuration} is unlike the training data: {message}")
        columns.append(predicted)
        structures.append(structure)
        plain += [
            {
                "structure": structure.configuration,
                "particles": len(column),
                "column": name,
                "mean": float(column.mean()),
                "low": float(column.min()),
                "high": float(column.max()),
                "unlike": unlike,
                "out": str(out),
            }
            for name, column in predicted.items()
        ]
    write_columns(file, out, frames, columns)
    if asked.switch("plot"):
        say(f"figure: {_draw(model, structures[0], columns[0], conditions, out)}")
    return plain


def called_species(text: str | None) -> dict[str, str]:
    """Return names of species by the labels of a file, from `1:A,2:B`."""
    called = {}
    for item in items_of("species", text) if text else ():
        label, colon, name = item.partition(":")
        if not colon or not label or not name:
            raise WordError(f"`{item}` in `species` is not of the form label:name, as 1:A")
        called[label] = name
    return called


def out_of(file: Path, values: Mapping[str, str], files: int) -> Path:
    """Return where the copy of a file with a column more is written."""
    named = Path(values["out"]).expanduser() if "out" in values else Path()
    columns = not file.name.endswith((".xtc", ".trr"))
    if "out" in values and files == 1 and not named.is_dir():
        if not columns and named.suffix != ".npz":
            raise WordError(f"{file} can hold no columns: give out=FILE.npz")
        return named
    if "out" in values and named.is_file():
        raise WordError(f"`out={named}` is a file, and there are {files} structures: name a folder")
    stem, dot, ending = file.name.partition(".")
    return named / f"{stem}-predicted{dot}{ending if columns else 'npz'}"


def _refuse_missing(
    frames: Mapping[Path, Sequence[Frame]], request: BenchmarkRequest, made: bool
) -> None:
    """Refuse files that lack what a model reads, and is not `made`, before it is trained."""
    from ..datasets.formats import name_of
    from ..model import OTHER_POSITIONS
    from ..trial.fitted import arrays_read, refuse_missing
    from ..trial.likeness import arrays_of

    held = arrays_of(request.view.structures("train", request.conditions[0])[0])
    reads = arrays_read(request.model, request.hyperparameters, held)
    for file, each in frames.items():
        for frame in each:
            present = {*frame.arrays, *(OTHER_POSITIONS if made else ())}
            refuse_missing(name_of(file, frame), present, reads, request.model.name)


def _train(request: BenchmarkRequest, workspace: Workspace, quiet: bool) -> None:
    from ..cluster import execute
    from ..experiments.conclude import run_benchmark

    with Display(quiet=quiet) as display:
        report = run_benchmark(request, workspace, execute, display)
    for outcome in report.outcomes:
        if outcome.error:
            raise UserError(f"{outcome.trial.name} failed: {outcome.error}; log: {outcome.log}")


def _prepared(
    structure: Structure, potential: str, model: FittedModel, conditions: Sequence[Condition]
) -> Structure:
    from ..simulation.prepare import prepare_structure

    temperature, *others = {condition.get("temperature") for condition in conditions}
    if others:
        raise WordError("cage positions are of one temperature: name one, temperature=T")
    return prepare_structure(structure, potential, temperature, model.reads)


def _predict(
    model: FittedModel,
    structure: Structure,
    frame: Frame,
    conditions: Sequence[Condition],
    replicate: int,
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the columns of one structure, and how it differs from those of training."""
    from ..trial.fitted import replicated

    asked = replicated(structure, replicate) if replicate > 1 else structure
    columns: dict[str, np.ndarray] = {}
    unlike: dict[str, None] = {}
    for condition in conditions:
        (answer,) = model.predict([asked], condition)
        suffix = _suffix(condition, conditions)
        for target, values in answer.items():
            columns[target + suffix] = values[: len(structure.positions)]
        unlike |= dict.fromkeys(model.unlike(structure, condition, frame.facts))
    return columns, list(unlike)


def _suffix(condition: Condition, conditions: Sequence[Condition]) -> str:
    """Return what tells the columns of several conditions apart; OVITO takes no dot in a name."""
    varying = [axis for axis in condition if len({c[axis] for c in conditions}) > 1]
    return "".join(f"_{axis}_{condition[axis]:g}".replace(".", "p") for axis in varying)


def _draw(
    model: FittedModel,
    structure: Structure,
    columns: Mapping[str, np.ndarray],
    conditions: Sequence[Condition],
    out: Path,
) -> Path:
    from ..figures import draw_slice

    target = model.task.target
    panels = {
        f"predicted, {condition.name}": columns[target + _suffix(condition, conditions)]
        for condition in conditions
    }
    title = f"{model.card.title}, {structure.configuration}"
    picture = out.with_name(f"{out.name}.png")
    return draw_slice(structure, panels, model.task, title, picture, own_scales=True)
