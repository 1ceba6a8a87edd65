"""Running a submission again as a maintainer: predicted behind walls, scored outside, signed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ..contract.task import Task
from ..contract.trial_plan import DatasetReference, Trial
from ..home.workspace import Workspace
from ..model import Condition, Predictions
from ..plugins.datasets import find_dataset
from ..plugins.registry import load_task
from ..record.file import Record, record_digest, validate_record
from ..trial.predictions import write_predictions
from ..trial.result import TrialResult
from .bundle import Bundle, SubmissionError, conditions_of, pack_bundle, refuse_contents, trials_of
from .record_check import predictions_of
from .rescore import floor_results, record_of, scored_trial, stored_predictions
from .sandbox import Engine, Limits, Walls, try_engine
from .sandbox.predict import Answered, Assignment, Question, predict_behind_walls
from .signature import public_key, sign_record

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from ..datasets.view import View

# A prediction made again may differ by rounding: the conformance test's tolerance.
SAME_WEIGHTS = 1e-3
# A fit made again may differ by the order of sums on other hardware: its score must lie within
# the interval that the record states, or within this part of its value.
SAME_FIT = 0.05
HIDDEN = "hidden"


@dataclass(frozen=True)
class Verification:
    """How to verify.

    Attributes
    ----------
    retrain : train from the start instead of loading the weights handed in
    labels : path of a store that the maintainer alone holds, whose structures are asked instead
    signer : name of the maintainer's key, as the board trusts it
    floors : whether to run the trivial floors beside it
    """

    workspace: Workspace
    engine: Engine
    key: Ed25519PrivateKey
    signer: str
    retrain: bool = False
    labels: Path | None = None
    floors: bool = True
    limits: Limits = field(default_factory=Limits)
    tell: Callable[[str], None] = lambda line: None


@dataclass(frozen=True)
class Verified:
    """A verified record with its predictions, packed in one archive."""

    record: Record
    walls: Walls
    archive: Path
    seconds: float


@dataclass(frozen=True)
class _Data:
    """The labels to score against, and what a model may train on."""

    public: View
    asked: View
    reference: DatasetReference
    trained_on: DatasetReference
    secret: tuple[Path, ...]
    hidden: bool


def verify_bundle(bundle: Bundle, how: Verification, out: Path) -> Verified:
    """Run a submission again and sign what comes out.

    Raises
    ------
    SubmissionError
        If what comes out is not what was handed in, or no model can score so high.
    SandboxError
        If a wall that matters does not stand, or the model breaks a limit.
    """
    refuse_contents(bundle)
    task = load_task(bundle.record["task"]["name"])
    data = _open(bundle, task, how)
    walls = try_engine(how.engine, data.secret)
    for line in walls.lines():
        how.tell(line)
    walls.require()
    with TemporaryDirectory(prefix="glassbench-verify-") as scratch:
        results, files, worst = _run(bundle, task, data, how, Path(scratch))
        floors: Mapping[str, Sequence[TrialResult]] = {}
        if how.floors and not data.hidden:
            how.tell("running the trivial floors")
            conditions = conditions_of(bundle.record)
            names = [n for n in task.floors if n != bundle.card.name]
            floors = floor_results(task, data.reference, conditions, names, how.workspace)
        record = record_of(
            task, data.asked, data.reference, bundle.card, bundle.record, results, floors
        )
        _compare(bundle.record, record, task, how, data.hidden)
        record = _signed(record, bundle, results, walls, worst, how, data.hidden)
        pack_bundle(replace(bundle, predictions=files), out, record, weights=False)
    return Verified(record, walls, out, sum(result.cost["wall_seconds"] for result in results))


def _open(bundle: Bundle, task: Task, how: Verification) -> _Data:
    """Open the public dataset, and the hidden one where there is one."""
    from ..datasets.view import open_view

    record, reads = bundle.record, bundle.card.reads
    found = find_dataset(task, record["dataset"]["name"], how.workspace)
    public = open_view(task, found.path, reads=reads)
    if public.digest != record["dataset"]["digest"]:
        raise SubmissionError(
            f"the record is of a dataset `{found.name}` with the digest "
            f"{record['dataset']['digest']}, the one here has {public.digest}"
        )
    trained_on = DatasetReference(found.name, str(found.path), public.digest)
    secret = (Path(found.path), how.workspace.home)
    if how.labels is None:
        return _Data(public, public, trained_on, trained_on, secret, False)
    asked = open_view(task, how.labels, reads=reads)
    lacking = [c.name for c in conditions_of(record) if c not in asked.conditions()]
    if lacking:
        raise SubmissionError(f"{how.labels} has no labels at {lacking[0]}")
    reference = DatasetReference(HIDDEN, str(how.labels), asked.digest)
    return _Data(public, asked, reference, trained_on, (*secret, how.labels), True)


def _run(
    bundle: Bundle, task: Task, data: _Data, how: Verification, scratch: Path
) -> tuple[list[TrialResult], dict[str, Path], float | None]:
    """Run every trial behind walls; return results, predictions by digest, largest difference."""
    results, files, worst = [], {}, None
    for trial in trials_of(bundle, task, data.trained_on):
        how.tell(f"{'training' if how.retrain else 'predicting'} {trial.name}")
        answered = _answer(bundle, task, data, how, trial)
        path = scratch / f"{trial.key}.npz"
        digest = write_predictions(path, answered.predictions)
        files[digest] = path
        if not data.hidden:
            submitted = stored_predictions(_submitted_file(bundle, trial))
            difference = largest_difference(submitted, answered.predictions)
            worst = max(worst or 0.0, difference)
            if not how.retrain and not difference <= SAME_WEIGHTS:
                raise SubmissionError(
                    f"{trial.name}: the weights handed in do not give the predictions handed in: "
                    f"{difference:.3g} standard deviations apart, {SAME_WEIGHTS} is allowed"
                )
        file = {"path": "predictions.npz", "sha256": digest}
        results.append(
            scored_trial(
                task,
                data.asked,
                trial,
                answered.predictions,
                file,
                answered.cost,
                answered.parameters,
            )
        )
    return results, files, worst


def _answer(bundle: Bundle, task: Task, data: _Data, how: Verification, trial: Trial) -> Answered:
    weights = bundle.weights.get(trial.key)
    if weights is None and not how.retrain:
        raise SubmissionError(
            f"there are no weights of {trial.name}: give the model `save` and `load`, run and pack "
            "it again, or verify with retrain=true"
        )
    train = data.public.examples("train", trial.conditions) if how.retrain else ()
    valid = data.public.examples("valid", trial.conditions) if how.retrain else ()
    assignment = Assignment(
        model=bundle.model,
        task=task,
        hyperparameters=trial.hyperparameters,
        seed=trial.seed,
        questions=[Question(c, data.asked.structures("test", c)) for c in trial.conditions],
        weights=None if how.retrain else weights,
        train=train,
        valid=valid,
        secret=data.secret,
    )
    answered = predict_behind_walls(how.engine, assignment, how.limits)
    if not how.retrain:
        _ask_alone(assignment, answered, how)
    return answered


def _ask_alone(assignment: Assignment, answered: Answered, how: Verification) -> None:
    """Refuse predictions that depend on the company in which a structure is asked about."""
    question = assignment.questions[0]
    alone = Question(question.condition, question.structures[:1])
    again = predict_behind_walls(how.engine, replace(assignment, questions=[alone]), how.limits)
    difference = largest_difference(
        {question.condition.name: answered.predictions[question.condition.name]},
        again.predictions,
    )
    if not difference <= SAME_WEIGHTS:
        raise SubmissionError(
            f"asked alone, {question.structures[0].configuration} is predicted otherwise by "
            f"{difference:.3g} standard deviations: predict every structure by itself"
        )


def _submitted_file(bundle: Bundle, trial: Trial) -> Path:
    return bundle.predictions[predictions_of(bundle.record, trial)]


def largest_difference(
    one: Mapping[str, Mapping[str, Predictions]], other: Mapping[str, Mapping[str, Predictions]]
) -> float:
    """Return the largest difference of predictions, in standard deviations of the first.

    What stands in `other` is looked for in `one`; infinity where it is not there.
    """
    import numpy as np

    worst = 0.0
    for condition, by_configuration in other.items():
        for configuration, targets in by_configuration.items():
            for target, values in targets.items():
                first = one.get(condition, {}).get(configuration, {}).get(target)
                if first is None or np.shape(first) != np.shape(values):
                    return math.inf
                change = np.abs(np.asarray(first, float) - np.asarray(values, float))
                scale = float(np.std(first)) or 1.0
                worst = max(worst, float(change.max(initial=0.0)) / scale)
    return worst


def _compare(submitted: Record, record: Record, task: Task, how: Verification, hidden: bool):
    """Refuse a score that is above what the data allow, or not the one handed in."""
    metric = task.primary_metric.name
    for theirs, ours in zip(submitted["conditions"], record["conditions"], strict=True):
        score, ceiling = ours["scores"][metric], ours["ceiling"][metric]
        where = f"{metric} at {Condition.of(**ours['condition']).name}"
        interval = score["interval"]
        if ceiling and interval and ceiling["value"] is not None:
            if interval[0] > ceiling["value"]:
                raise SubmissionError(
                    f"{where} is {score['value']:.3f} [{interval[0]:.3f}, {interval[1]:.3f}], "
                    f"above the noise ceiling {ceiling['value']:.3f}: no model of the structure "
                    "can score so, only one that knows these labels; verify with labels= that it "
                    "cannot know"
                )
        if how.retrain and not hidden:
            _compare_fit(where, theirs["scores"][metric], score)


def _compare_fit(where: str, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    before, after = theirs["value"], ours["value"]
    low, high = theirs["interval"] or (before, before)
    if before is None and after is None:
        return
    slack = SAME_FIT * abs(before or 0.0)
    if before is None or after is None or not low - slack <= after <= high + slack:
        raise SubmissionError(
            f"{where}: trained again on the training split alone it is {after}, the record says "
            f"{before}"
        )


def _signed(
    record: Record,
    bundle: Bundle,
    results: Sequence[TrialResult],
    walls: Walls,
    worst: float | None,
    how: Verification,
    hidden: bool,
) -> Record:
    from ..trial.provenance import environment

    here = environment()
    if not how.retrain:
        # Training was not repeated: what it took stands as it was handed in.
        record = record | {"cost": bundle.record["cost"]}
    record = record | {
        "status": "verified",
        "provenance": record["provenance"] | {"environments": [here]},
        "verification": {
            "by": how.signer,
            "mode": "retrain" if how.retrain else "weights",
            "labels": HIDDEN if hidden else "public",
            "sandbox": walls.engine.title,
            "walls": walls.held,
            "largest_difference": worst,
            "submitted": record_digest(bundle.record),
            "environment": here["packages"]["sha256"],
            "public_key": public_key(how.key),
            "signature": "",
        },
    }
    record = sign_record(record, how.key)
    validate_record(record)
    return record
