"""The program inside a cell, after its walls stand: does one action and answers."""

from __future__ import annotations

import io
import json
import os
import pickle
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Answer = tuple[dict[str, Any], bytes]


def run(request: Mapping[str, Any], folder: str, scratch: str, answer: int) -> None:
    """Do what the request says and write report and payload to the answer's descriptor."""
    actions: dict[str, Callable[[Mapping[str, Any], Path, Path], Answer]] = {
        "probe": _probe,
        "predict": _predict,
        "import": _import,
        "conformance": _conformance,
    }
    report: dict[str, Any]
    try:
        report, payload = actions[request["action"]](request, Path(folder), Path(scratch))
    except BaseException as error:
        traceback.print_exc(file=sys.stderr)
        where = _where(error, Path(folder) / "model")
        report, payload = {"error": f"{type(error).__name__}: {error}", "where": where}, b""
    text = json.dumps(report).encode()
    with os.fdopen(answer, "wb") as file:
        file.write(len(text).to_bytes(8, "big") + text + payload)
    # Threads and handlers that a model leaves behind have no say in how the cell ends.
    os._exit(0)


def _probe(request: Mapping[str, Any], folder: Path, scratch: Path) -> Answer:
    from .probe import try_walls

    walls = try_walls(request, str(scratch)) | {"landlock": bool(request["landlock"])}
    mounts = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    in_memory = any(line.split()[1:3] == [str(scratch), "tmpfs"] for line in mounts)
    return {"walls": walls, "scratch_in_memory": in_memory}, b""


def _predict(request: Mapping[str, Any], folder: Path, scratch: Path) -> Answer:
    """Load or fit the model, then answer every question: the stages of any trial."""
    import numpy as np

    from ...contract.model_card import read_model_card
    from ...contract.task import read_task
    from ...model import Condition
    from ...trial.predictions import Asked
    from ...trial.stages import fit_run, make_model, predict
    from .side_effects import Audit

    audit = Audit(folder / "model", scratch) if request.get("audit") else None
    card, task = read_model_card(folder / "model"), read_task(folder / "task")
    task = task.asked_for(request["target"])
    model = make_model(card, request["hyperparameters"])
    # Written outside, by the house; what a submission writes is never unpickled.
    given = pickle.loads((folder / "structures.pickle").read_bytes())
    if given["train"]:
        run = fit_run(
            task,
            scratch / "checkpoint",
            seed=request["seed"],
            conditions=tuple(Condition.of(**values) for values in request["conditions"]),
            threads=request["limits"]["threads"],
        )
        model.fit(given["train"], given["valid"], run)
    elif hasattr(model, "load"):
        model.load(folder / "weights")
    else:
        raise TypeError(f"model {card.name} has no `load`: give it one, or verify by training it")
    if request["keep"]:
        return {"parameters": _parameters(model)}, _kept(model, scratch)
    arrays: dict[str, Any] = {}
    for number, (condition, listed) in enumerate(given["questions"]):
        structures = {str(index): structure for index, structure in enumerate(listed)}
        asked = Asked(card.name, task, condition)
        for index, answer in predict(model, asked, structures).items():
            arrays |= {f"{number}/{index}/{target}": array for target, array in answer.items()}
    file = io.BytesIO()
    np.savez(file, **arrays)
    outside = [] if audit is None else audit.effects
    return {"parameters": _parameters(model), "outside": outside}, file.getvalue()


def _parameters(model: Any) -> int | None:
    parameters = getattr(model, "parameters", None)
    return parameters if isinstance(parameters, int) else None


def _kept(model: Any, scratch: Path) -> bytes:
    """Return an archive of what a trained model saves, nothing where it cannot."""
    from ...contract.folder_digest import plugin_files
    from .bounded import write_archive

    if not (hasattr(model, "save") and hasattr(model, "load")):
        return b""
    folder, archive = scratch / "trained", scratch / "trained.zip"
    model.save(folder)
    write_archive(archive, dict(plugin_files(folder)))
    return archive.read_bytes()


def _import(request: Mapping[str, Any], folder: Path, scratch: Path) -> Answer:
    from .side_effects import import_effects

    return {"effects": import_effects(folder / "model", scratch)}, b""


def _conformance(request: Mapping[str, Any], folder: Path, scratch: Path) -> Answer:
    from ...conformance.check import check_card
    from ...contract.model_card import read_model_card
    from ...contract.task import read_task

    results = check_card(read_model_card(folder / "model"), read_task(folder / "task"))
    return {"results": [vars(result) for result in results]}, b""


def _where(error: BaseException, model: Path) -> str:
    """Return the innermost line of the submission that was running, as `model.py:12`."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(model):
            return f"{path.relative_to(model)}:{frame.lineno}"
    return ""
