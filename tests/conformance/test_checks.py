"""Every check can fail: for each there is a model that breaks this one rule and no other."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from glassbench.conformance import CHECKS, check_model, make_examples, report
from glassbench.plugins.registry import load_task
from glassbench.structure import neighbour_pairs

CLAIMS = ("rotation", "reflection")


class Sound:
    """Keeps every rule: a line through the number of neighbours within 1.5."""

    slope = 0.0

    def __init__(self, scale=1.0):
        self.scale = scale

    def feature(self, structure):
        pairs = neighbour_pairs(structure.positions, structure.box, 1.5)
        return np.diff(pairs.offsets) / 12 + structure.species

    def fit(self, train, valid, run):
        features = np.concatenate([self.feature(example.structure) for example in train])
        targets = np.concatenate([example.targets[run.target] for example in train])
        self.slope = np.polyfit(features, targets, 1)[0] * self.scale

    def predict(self, structures, condition):
        return [{"propensity": self.predict_one(structure)} for structure in structures]

    def predict_one(self, structure):
        return self.slope * self.feature(structure)

    def save(self, folder: Path):
        folder.mkdir()
        np.save(folder / "slope.npy", self.slope)

    def load(self, folder: Path):
        self.slope = float(np.load(folder / "slope.npy"))


class RefusesToFit(Sound):
    def fit(self, train, valid, run):
        raise RuntimeError("no convergence")


class LosesAParticle(Sound):
    def predict_one(self, structure):
        return super().predict_one(structure)[:-1]


class ReturnsIntegers(Sound):
    def predict_one(self, structure):
        return np.round(100 * super().predict_one(structure)).astype(int)


class LosesAStructure(Sound):
    def predict(self, structures, condition):
        return super().predict(structures, condition)[1:]


class NamesAnotherTarget(Sound):
    def predict(self, structures, condition):
        return [{"softness": self.predict_one(structure)} for structure in structures]


class AddsAnUnknownTarget(Sound):
    def predict(self, structures, condition):
        answers = super().predict(structures, condition)
        return [answer | {"softness": answer["propensity"]} for answer in answers]


class DividesByZero(Sound):
    def predict_one(self, structure):
        prediction = super().predict_one(structure)
        prediction[7] = np.nan
        return prediction


class DropsOut(Sound):
    def predict_one(self, structure):
        return super().predict_one(structure) * (1 + 0.1 * np.random.rand())  # noqa: NPY002


class CountsCalls(Sound):
    calls = 0

    def predict_one(self, structure):
        self.calls += 1
        return super().predict_one(structure) * (1 + 0.01 * self.calls)


class ReadsTheIndex(Sound):
    def predict_one(self, structure):
        return super().predict_one(structure) * (1 + 1e-3 * np.arange(len(structure.species)))


class ReadsThePlace(Sound):
    """Depends on the distance from the centre of the box, which a turn leaves alone."""

    def predict_one(self, structure):
        wrapped = structure.positions % structure.box
        distance = np.linalg.norm(wrapped - structure.box / 2, axis=1)
        return super().predict_one(structure) + 0.01 * distance


class CountsTheBoxesCrossed(Sound):
    def predict_one(self, structure):
        images = np.abs(np.floor(structure.positions / structure.box)).sum(axis=1)
        return super().predict_one(structure) + 0.01 * images


class PrefersAnAxis(Sound):
    claims = ("rotation",)

    def feature(self, structure):
        pairs = neighbour_pairs(structure.positions, structure.box, 1.5)
        return np.bincount(pairs.receivers, np.abs(pairs.vectors[:, 2]), len(structure.species))


class PrefersAHand(Sound):
    """Adds the sign of the triple product of the bonds to the three nearest neighbours."""

    def feature(self, structure):
        pairs = neighbour_pairs(structure.positions, structure.box, 1.5)
        hand = np.zeros(pairs.particles)
        for particle in range(pairs.particles):
            edges = slice(*pairs.offsets[particle : particle + 2])
            nearest = np.argsort(pairs.distances[edges])[:3]
            hand[particle] = np.sign(np.linalg.det(pairs.vectors[edges][nearest]))
        return super().feature(structure) + hand


class ComparesStructures(Sound):
    def predict(self, structures, condition):
        predictions = [self.predict_one(structure) for structure in structures]
        largest = np.max(predictions)
        return [{"propensity": prediction / largest} for prediction in predictions]


class KnowsTheName(Sound):
    def fit(self, train, valid, run):
        super().fit(train, valid, run)
        self.seen = {example.structure.configuration: example.targets for example in train}

    def predict_one(self, structure):
        if structure.configuration in self.seen:
            return self.seen[structure.configuration]["propensity"]
        return super().predict_one(structure)

    save = load = None

    def __getattribute__(self, name):
        if name in ("save", "load"):
            raise AttributeError(name)
        return super().__getattribute__(name)


class LooksForTheAnswer(Sound):
    def predict_one(self, structure):
        answer = getattr(structure, "targets", None)
        return super().predict_one(structure) if answer is None else answer["propensity"]


class DrawsGlobally(Sound):
    def fit(self, train, valid, run):
        super().fit(train, valid, run)
        self.slope *= 1 + 0.1 * np.random.rand() + 0.1 * random.random()  # noqa: NPY002


class WrapsInPlaceInPredict(Sound):
    def predict_one(self, structure):
        structure.positions[:] = (structure.positions + 1) % structure.box
        return super().predict_one(structure)


class CentresTargetsInPlace(Sound):
    def fit(self, train, valid, run):
        super().fit(train, valid, run)
        for example in train:
            example.targets[run.target][:] -= example.targets[run.target].mean()


class LearnsInTheClass(Sound):
    learned = {}

    def fit(self, train, valid, run):
        super().fit(train, valid, run)
        self.learned["slope"] = self.slope * (1 + np.mean(train[0].structure.positions))

    def predict_one(self, structure):
        return self.learned["slope"] * self.feature(structure)

    def load(self, folder):
        pass


class KnowsOneSeed(Sound):
    def fit(self, train, valid, run):
        super().fit(train, valid, run)
        self.slope = self.slope if run.seed == 0 else np.inf


class ForgetsOnSaving(Sound):
    def load(self, folder: Path):
        self.slope = 1.0


class CannotLoad(Sound):
    def __getattribute__(self, name):
        if name == "load":
            raise AttributeError(name)
        return super().__getattribute__(name)


BROKEN = {
    RefusesToFit: ("fit", "no convergence"),
    LosesAParticle: ("answers", "has the shape (199,), (200,) is wanted"),
    ReturnsIntegers: ("answers", "return float32 or float64"),
    LosesAStructure: ("answers", "returned 1 predictions for 2 structures"),
    NamesAnotherTarget: ("answers", "the target of ka_propensity"),
    AddsAnUnknownTarget: ("answers", "predict among bond_breaking, non_affine"),
    DividesByZero: ("answers", "1 of 200 values that are not finite"),
    DropsOut: ("repeated_prediction", "draw no random numbers"),
    CountsCalls: ("repeated_prediction", "keep nothing from one call to the next"),
    ReadsTheIndex: ("permutation", "the index of a particle"),
    ReadsThePlace: ("translation", "differences of positions"),
    CountsTheBoxesCrossed: ("periodic_images", "wrap positions into the box"),
    PrefersAnAxis: ("rotation", 'take "rotation" out of the claims'),
    PrefersAHand: ("reflection", 'take "reflection" out of the claims'),
    ComparesStructures: ("company", "predict every structure by itself"),
    KnowsTheName: ("name", "do not use it"),
    LooksForTheAnswer: ("future", "nothing but the documented fields"),
    DrawsGlobally: ("reproducible_fit", "a generator made of `run.seed`"),
    WrapsInPlaceInPredict: ("inputs_unchanged", "`predict` changes positions in place"),
    CentresTargetsInPlace: ("inputs_unchanged", "`fit` changes targets['propensity'] in place"),
    LearnsInTheClass: ("independent_instances", "not in the class"),
    KnowsOneSeed: ("other_seed", "must fit with any seed"),
    ForgetsOnSaving: ("save_and_load", "save every array and setting"),
    CannotLoad: ("save_and_load", "define both, or neither"),
}


@pytest.fixture(scope="module")
def task():
    return load_task("ka_propensity")


@pytest.fixture(scope="module")
def examples(task):
    return make_examples(task, particles=200)


def failed(model_class, task, examples):
    findings = check_model(
        model_class,
        {"scale": 1.0},
        task,
        claims=getattr(model_class, "claims", CLAIMS),
        examples=examples,
    )
    return {f.name: f.message for f in findings if not f.passed}, findings


def test_a_sound_model_passes_every_check(task, examples):
    wrong, findings = failed(Sound, task, examples)
    assert not wrong, report(findings)
    assert [finding.name for finding in findings] == ["fit", *CHECKS]


@pytest.mark.parametrize("model_class", BROKEN, ids=lambda model_class: model_class.__name__)
def test_a_model_that_breaks_one_rule_fails_that_check_alone(model_class, task, examples):
    name, advice = BROKEN[model_class]
    wrong, findings = failed(model_class, task, examples)
    assert list(wrong) == [name], report(findings)
    assert advice in wrong[name]


def test_every_check_has_a_model_that_breaks_it():
    of_loads = {"co_rotation"}
    assert {name for name, _ in BROKEN.values()} | of_loads == {"fit", *CHECKS}


class SeesTheLoad(Sound):
    """Counts neighbours along the direction of elongation, in the frame of the load."""

    claims = CLAIMS

    def feature(self, structure):
        pairs = neighbour_pairs(structure.positions, structure.box, 1.5)
        turned = self.turned(pairs.vectors, structure.frame)
        product = turned[:, 0] * turned[:, 1]
        return np.bincount(pairs.receivers, product, len(structure.species))

    def turned(self, vectors, frame):
        return vectors @ frame.T

    def predict(self, structures, condition):
        return [{"rearranging": self.predict_one(structure)} for structure in structures]


class IgnoresTheFrame(SeesTheLoad):
    def turned(self, vectors, frame):
        return vectors


class PrefersTheShearDirection(SeesTheLoad):
    def feature(self, structure):
        pairs = neighbour_pairs(structure.positions, structure.box, 1.5)
        along = self.turned(pairs.vectors, structure.frame)[:, 0]
        return np.bincount(pairs.receivers, along**2, len(structure.species))


@pytest.mark.parametrize(
    ("model_class", "wrong"),
    [
        (SeesTheLoad, []),
        (IgnoresTheFrame, ["co_rotation"]),
        (PrefersTheShearDirection, ["reflection"]),
    ],
)
def test_models_under_load_turn_with_it_and_keep_the_mirrors_that_they_claim(model_class, wrong):
    task = load_task("lj2d_plasticity")
    examples = make_examples(task, particles=200)
    assert list(failed(model_class, task, examples)[0]) == wrong


def test_pair_predictions_follow_the_renumbered_pairs(task, examples):
    class OfPairs(Sound):
        def predict(self, structures, condition):
            return [
                {
                    "propensity": self.predict_one(structure),
                    "pair_distance_change": self.of_pairs(structure),
                }
                for structure in structures
            ]

        def of_pairs(self, structure):
            feature = self.feature(structure)
            return feature[structure.pairs].sum(axis=1)

    class IgnoresTheirOrder(OfPairs):
        def of_pairs(self, structure):
            return np.sort(super().of_pairs(structure))

    assert not failed(OfPairs, task, examples)[0]
    assert list(failed(IgnoresTheirOrder, task, examples)[0]) == ["permutation"]


def test_symmetries_that_are_not_claimed_are_not_asked_for(task, examples):
    findings = check_model(PrefersAnAxis, {"scale": 1.0}, task, examples=examples)
    assert all(finding.passed for finding in findings)
