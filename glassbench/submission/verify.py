"""Running a submission again as a maintainer: predicted behind walls, scored outside, signed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ..contract.task import Task
from ..contract.trial_plan import DatasetReference, Trial
from ..datasets.manifest import content_digest
from ..datasets.view import View, open_view
from ..home.machine import environment
from ..home.workspace import Workspace
from ..model import Condition
from ..record.record import PlainRecord as Record
from ..record.record import dataset_of_record, record_digest, validate_record
from ..trial.predictions import ConditionPredictions, write_predictions
from ..trial.result import TrialResult
from ..trial.stages import PREDICTIONS_FILE, fit_examples, questions, score_trial
from . import memory, rescore
from .bundle import (
    HIDDEN,
    Bundle,
    conditions_of,
    pack_bundle,
    task_of_record,
    trials_of,
)
from .record_check import digest_of_predictions
from .rescore import as_scored
from .sandbox import predict
from .sandbox.engines import Engine
from .sandbox.limits import Limits, require
from .sandbox.predict import Answered, Assignment
from .sandbox.walls import Walls, try_engine
from .signature import public_key, sign_record

# A prediction made again may differ by rounding: the conformance test's tolerance.
SAME_WEIGHTS = 1e-3
# A fit made again may differ by the order of sums on other hardware: its score must lie within
# the interval that the record states, or within this part of its value.
SAME_FIT = 0.05
LARGEST = 1e9  # of a difference that a record can hold, which has no infinity
NO_MODEL = (
    "`{}` holds the predictions of another program, not the program: nobody can run it again, so "
    "it is scored and shown, never verified; hand in the model itself to have it verified"
)


@dataclass(frozen=True)
class Verification:
    """How to verify.

    Attributes
    ----------
    signer : name of the maintainer's key, as the board trusts it
    retrain : train from the start instead of loading the weights handed in
    labels : path of a store that the maintainer alone holds, whose structures are asked instead
    total_seconds : of all cells together, whatever number of fits was handed in
    secret : files that no cell may see, beside datasets and workspace
    """

    workspace: Workspace
    engine: Engine
    key: Ed25519PrivateKey
    signer: str
    retrain: bool = False
    labels: Path | None = None
    floors: bool = True
    limits: Limits = field(default_factory=Limits)
    total_seconds: float = 86400.0
    secret: tuple[Path, ...] = ()
    tell: Callable[[str], None] = lambda line: None


@dataclass(frozen=True)
class Verified:
    """A verified record, packed with its predictions in one archive."""

    record: Record
    archive: Path
    seconds: float


@dataclass(frozen=True)
class _Data:
    public: View
    asked: View
    trained_on: DatasetReference
    reference: DatasetReference
    secret: tuple[Path, ...]


def verify_bundle(bundle: Bundle, how: Verification, out: Path) -> Verified:
    """Run a submission again and sign what comes out.

    SubmissionError where it is not what was handed in, or no model can score so high;
    SandboxError where a wall does not stand, or the model breaks a limit.
    """
    require("predictions" not in bundle.card.reads, NO_MODEL.format(bundle.card.name))
    task = task_of_record(bundle.record)
    data = _open(bundle, task, how)
    walls = try_engine(how.engine, data.secret)
    for line in walls.lines():
        how.tell(line)
    walls.require()
    with TemporaryDirectory(prefix="glassbench-verify-") as scratch:
        results: list[TrialResult] = []
        files: dict[str, dict[str, Path]] = {}
        differences: list[float] = []
        end = time.monotonic() + how.total_seconds
        numbers = memory.numbers_carried(
            bundle.model, bundle.record["hyperparameters"], how.workspace
        )
        controls: dict[str, float] = {}
        trials = trials_of(bundle, task, data.trained_on)
        # Nobody knows beforehand which fit is made again with other labels.
        drawn = secrets.choice(trials)
        for trial in trials:
            how.tell(f"{'training' if how.retrain else 'predicting'} {trial.name}")
            cell = Path(scratch, f"fit-{len(results)}")
            places, assignment = _assignment(bundle, task, data, how, trial)
            answered = _answer(assignment, _until(end, how), trial.name, cell)
            if how.retrain and trial is drawn:
                limited = _until(end, how)
                controls = _control_fits(assignment, answered, limited, trial.name, cell)
            predictions: dict[str, ConditionPredictions] = {}
            for (file, condition), answers in zip(places, answered.asked, strict=True):
                predictions.setdefault(file, {})[condition] = answers
            if how.labels is None:
                differences.append(_difference(bundle, trial, predictions, how))
            view = View(task, data.asked.dataset, ())
            predictions = as_scored(task, view, predictions)
            paths = {file: Path(scratch, trial.key, file) for file in predictions}
            digests = {file: write_predictions(paths[file], predictions[file]) for file in paths}
            digest = digests[PREDICTIONS_FILE]
            # What a folder carries counts, unless it is a few numbers.
            parameters = answered.parameters
            if numbers > memory.FEW_NUMBERS:
                parameters = max(parameters or 0, numbers)
            results.append(
                score_trial(trial, task, view, predictions, digest, answered.cost, parameters)
            )
            files[digest] = paths
        floors: dict[str, list[TrialResult]] = {}
        if how.floors and how.labels is None:
            how.tell("running the trivial floors")
            names = [n for n in task.floors if n != bundle.card.name]
            floors = rescore.floor_results(
                task, data.reference, bundle.record, names, how.workspace
            )
        record = rescore.record_of(task, data.asked, data.reference, bundle, results, floors)
        _compare(bundle.record, record, task, how)
        record = _signed(record, bundle, max(differences, default=None), walls, controls, how)
        # What was asked about a hidden set is known to its holder alone.
        kept = files if how.labels is None else {}
        pack_bundle(replace(bundle, predictions=kept), out, record, weights=False)
    return Verified(record, out, sum(result.cost["wall_seconds"] for result in results))


def _open(bundle: Bundle, task: Task, how: Verification) -> _Data:
    """Open the public dataset, and a hidden one; their digests are counted."""
    record = bundle.record
    reads = bundle.card.reading(record["hyperparameters"]).reads
    dataset = dataset_of_record(task, record["dataset"], how.workspace)
    digest = content_digest(dataset.path)
    require(
        digest == record["dataset"]["digest"],
        f"the record is of a dataset `{dataset.name}` with the digest "
        f"{record['dataset']['digest']}, the one here has {digest}",
    )
    public = open_view(task, dataset.path, reads=reads)
    trained_on = DatasetReference(dataset.name, str(dataset.path), digest)
    secret = (Path(dataset.path), how.workspace.home, *how.secret)
    if how.labels is None:
        return _Data(public, public, trained_on, trained_on, secret)
    asked = open_view(task, how.labels, reads=reads)
    for condition in conditions_of(record):
        require(condition in asked.conditions(), f"{how.labels} has no labels at {condition.name}")
    hidden_digest = content_digest(how.labels)
    require(hidden_digest != digest, f"{how.labels} is the public dataset: it hides nothing")
    known = list(memory.shared_structures(public, asked, conditions_of(record)))
    require(not known, f"{how.labels} hides nothing: {'; '.join(known[:3])}")
    reference = DatasetReference(HIDDEN, str(how.labels), hidden_digest)
    return _Data(public, asked, trained_on, reference, (*secret, how.labels))


def _until(end: float, how: Verification) -> Verification:
    """Return the same with the limits that the time of all cells together leaves."""
    left = end - time.monotonic()
    require(
        left > 0,
        f"all fits together take longer than {how.total_seconds:g} s: allow more with total=, or "
        "hand in fewer",
    )
    wall_seconds = min(how.limits.wall_seconds, left)
    return replace(how, limits=replace(how.limits, wall_seconds=wall_seconds))


def _assignment(
    bundle: Bundle, task: Task, data: _Data, how: Verification, trial: Trial
) -> tuple[list[tuple[str, str]], Assignment]:
    """Return what a fit is to do, and by question the file and the condition of its answer."""
    weights = None if how.retrain else bundle.weights.get(trial.key)
    require(
        weights or how.retrain,
        f"there are no weights of {trial.name}: give the model `save` and `load`, run and pack it "
        "again, or verify with retrain=on",
    )
    listed = list(questions(trial, task, data.asked))
    assignment = Assignment(
        model=bundle.model,
        task=task,
        hyperparameters=trial.hyperparameters,
        seed=trial.seed,
        questions=[question for _, _, question in listed],
        conditions=trial.fit_conditions,
        weights=weights,
        train=fit_examples(data.public, trial, "train") if how.retrain else (),
        valid=fit_examples(data.public, trial, "valid") if how.retrain else (),
        secret=data.secret,
        given=how.workspace,
    )
    return [(file, condition) for file, condition, _ in listed], assignment


def _answer(assignment: Assignment, how: Verification, name: str, folder: Path) -> Answered:
    """Ask about every structure by itself, and once more where nothing was handed in to compare.

    Training comes first, in a cell without any test structure. What is compared comes from two
    cells, so that a model that looks at the other structures in its cell sees fewer.
    """
    costs = []
    if assignment.weights is None:
        trained, kept = predict.train_behind_walls(how.engine, assignment, how.limits, folder)
        costs.append(trained.cost)
        if kept is not None:
            assignment = replace(assignment, weights=kept, train=(), valid=())
    order = predict.draw_order(assignment)
    # Backwards, so that other structures come before each one.
    halves = order[::-2], order[-2::-2]
    twice = how.retrain or how.labels is not None
    answered = predict.ask_one_by_one(
        how.engine, assignment, [order] if twice else halves, how.limits
    )
    if twice:
        again = predict.ask_one_by_one(how.engine, assignment, halves, how.limits)
        difference = _most_different(answered, again)
        require(
            difference <= SAME_WEIGHTS,
            f"{name}: asked alone about the same structures in another order, it predicts "
            f"otherwise by {difference:.3g} standard deviations: predict every structure by "
            "itself, whatever was asked before, and train from `run.seed` alone",
        )
    return replace(answered, cost=predict.total_cost([*costs, answered.cost]))


def _most_different(one: Answered, other: Answered) -> float:
    pairs = zip(one.asked, other.asked, strict=True)
    return max(rescore.largest_difference({"": before}, {"": after}) for before, after in pairs)


def _control_fits(
    assignment: Assignment,
    answered: Answered,
    how: Verification,
    name: str,
    folder: Path,
) -> dict[str, float]:
    """Train on permuted labels and on fewer configurations, and refuse a model that remembers.

    Return the part of the predictions that the permutation left, and what of them, in deviations,
    changed most with the configurations.
    """
    how.tell(f"training {name} on permuted labels, and on fewer configurations")
    seed = secrets.randbits(64)
    numbers = memory.numbers_carried(assignment.model, assignment.hyperparameters, how.workspace)
    # Where the model is asked at its own conditions, under no other frame.
    first = len(assignment.conditions)
    before = replace(answered, asked=answered.asked[:first])
    assignment = replace(assignment, questions=assignment.questions[:first])
    train, valid = list(assignment.train), list(assignment.valid)
    wrong = replace(
        assignment, train=memory.permuted(train, seed), valid=memory.permuted(valid, seed + 1)
    )
    fewer = replace(assignment, train=memory.subset(train))
    once = replace(how, retrain=False, labels=None)
    of_wrong = _answer(wrong, once, name, folder / "permuted")
    of_fewer = _answer(fewer, once, name, folder / "subset")
    target = assignment.task.primary_metric.prediction
    kept = memory.kept_part(before.asked, of_wrong.asked, target)
    changed = min(_most_different(before, of_fewer), LARGEST)
    fewer_kept = memory.kept_part(before.asked, of_fewer.asked, target)
    memory.refuse_memory(kept, fewer_kept, numbers)
    return {"kept_after_permutation": kept[0], "changed_by_subset": changed}


def _difference(
    bundle: Bundle,
    trial: Trial,
    predictions: Mapping[str, ConditionPredictions],
    how: Verification,
) -> float:
    stored = bundle.predictions[digest_of_predictions(bundle.record, trial)]
    difference = max(
        rescore.largest_difference(rescore.read_finite_predictions(stored[file]), predictions[file])
        for file in predictions
        if file in stored
    )
    require(
        how.retrain or difference <= SAME_WEIGHTS,
        f"{trial.name}: asked alone about each structure, the weights handed in do not give the "
        f"predictions handed in: {difference:.3g} deviations apart, {SAME_WEIGHTS} is allowed",
    )
    return difference


def _compare(submitted: Record, record: Record, task: Task, how: Verification) -> None:
    """Refuse a score that is above what the data allow, or not the one handed in."""
    rescore.refuse_above_ceiling(record, task)
    if not how.retrain or how.labels is not None:
        return
    metric = task.primary_metric.name
    for theirs, ours in zip(submitted["conditions"], record["conditions"], strict=True):
        where = f"{metric} at {Condition.of(**ours['condition']).name}"
        stated, again = theirs["scores"][metric], ours["scores"][metric]["value"]
        value = stated["value"]
        low, high = stated["interval"] or (value, value)
        slack = SAME_FIT * abs(value or 0.0)
        known = value is not None and again is not None
        require(
            (value is None and again is None) or (known and low - slack <= again <= high + slack),
            f"{where}: trained again on the training split alone it is {again}, the record "
            f"says {value}",
        )


def _signed(
    record: Record,
    bundle: Bundle,
    difference: float | None,
    walls: Walls,
    controls: Mapping[str, float],
    how: Verification,
) -> Record:
    here = environment()
    if how.labels is not None:
        for entry in record["conditions"]:
            if "rotation_probe" in entry:
                entry["rotation_probe"]["curves"] |= {"particles": [], "values": []}
    if not how.retrain:
        # Training was not repeated: what it took stands as it was handed in.
        record = record | {"cost": bundle.record["cost"]}
    record = record | {
        "status": "verified",
        "provenance": record["provenance"] | {"environments": [here]},
        "verification": {
            "by": how.signer,
            "mode": "retrain" if how.retrain else "weights",
            "labels": "public" if how.labels is None else HIDDEN,
            "sandbox": walls.engine.title,
            "walls": walls.held,
            "largest_difference": difference,
            **controls,
            "submitted": record_digest(bundle.record),
            "environment": here["packages"]["sha256"],
            "public_key": public_key(how.key),
            "signature": "",
        },
    }
    record = sign_record(record, how.key)
    validate_record(record)
    return record
