"""The program inside a cell, after its walls stand: does one action and answers."""

from __future__ import annotations

import io
import json
import os
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
        report, payload = {"error": _words(error), "where": _where(error, Path(folder))}, b""
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
    """Load or fit the model, then predict every question."""
    import numpy as np

    from ...model import Condition
    from .exchange import read_structure

    audit = _audit(request, folder, scratch)
    model = _fitted(request, folder, scratch)
    arrays: dict[str, np.ndarray] = {}
    for number, question in enumerate(request["questions"]):
        structures = [read_structure(folder, index) for index in question["structures"]]
        answers = list(model.predict(structures, Condition.of(**question["condition"])))
        if len(answers) != len(structures):
            raise ValueError(f"{len(answers)} predictions for {len(structures)} structures")
        for index, answer in enumerate(answers):
            for target, values in answer.items():
                arrays[f"{number}/{index}/{target}"] = np.asarray(values, dtype=np.float32)
    file = io.BytesIO()
    np.savez(file, **arrays)
    parameters = getattr(model, "parameters", None)
    report = {
        "parameters": int(parameters) if isinstance(parameters, int) else None,
        "outside": [] if audit is None else audit.findings,
    }
    return report, file.getvalue()


def _fitted(request: Mapping[str, Any], folder: Path, scratch: Path):
    from ...contract.model_card import read_model_card
    from ...contract.task import read_task
    from ...model import Condition, Run
    from ...plugins.registry import load_model_class
    from .exchange import ExampleFiles

    card = read_model_card(folder / "model")
    model = load_model_class(card)(**request["hyperparameters"])
    if not request["train"]:
        model.load(folder / "weights")
        return model
    task = read_task(folder / "task")

    def score(predictions, examples) -> float:
        from ...trial.score import primary_score

        return primary_score(task, predictions, examples)

    model.fit(
        ExampleFiles(folder, request["train"]),
        ExampleFiles(folder, request["valid"]),
        Run(
            seed=request["seed"],
            target=task.target,
            symmetry=task.symmetry,
            folder=scratch / "checkpoint",
            conditions=tuple(Condition.of(**q["condition"]) for q in request["questions"]),
            score=score,
            threads=request["limits"]["threads"],
        ),
    )
    return model


def _import(request: Mapping[str, Any], folder: Path, scratch: Path) -> Answer:
    from .side_effects import import_effects

    return {"effects": import_effects(folder / "model", scratch)}, b""


def _conformance(request: Mapping[str, Any], folder: Path, scratch: Path) -> Answer:
    from ...conformance import check_model
    from ...contract.model_card import read_model_card
    from ...contract.task import read_task
    from ...plugins.registry import load_model_class

    card = read_model_card(folder / "model")
    findings = check_model(
        load_model_class(card),
        request["hyperparameters"],
        read_task(folder / "task"),
        claims=card.claims,
        reads=card.reads,
    )
    return {"findings": [vars(finding) for finding in findings]}, b""


def _audit(request: Mapping[str, Any], folder: Path, scratch: Path):
    if not request.get("audit"):
        return None
    from .side_effects import Audit

    return Audit(folder / "model", scratch)


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _where(error: BaseException, folder: Path) -> str:
    """Return the innermost line of the submission that was running, as `model.py:12`."""
    model = folder / "model"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(model):
            return f"{path.relative_to(model)}:{frame.lineno}"
    return ""
