"""The settings of a study: one for each value of what it varies, for one model."""

from __future__ import annotations

from collections.abc import Sequence

from ...contract.conditions import WordError
from ...contract.typed_value import typed_value
from ...contract.variation import Variation
from ...model import Condition
from ...plugins.registry import whole_models
from ..words import parse_count
from .declaration import Setting, Study, StudyError, Subject
from .shells import displaced_shells, removed_shells
from .transfer import trained_at

ALL = "all"


def settings_of(study: Study, subject: Subject, values: Sequence[str]) -> list[Setting]:
    """Return one setting for each value.

    Raises
    ------
    StudyError
        If the model or the dataset cannot take a value; the message says what is possible.
    """
    if study.varies == "hyperparameter":
        return _hyperparameter(study, subject, values)
    if study.varies == "training_configurations":
        return _training_configurations(subject, values)
    if study.varies == "shells_removed":
        return removed_shells(subject, values)
    if study.varies == "shells_displaced":
        return displaced_shells(subject, values)
    if study.varies == "transfer":
        return trained_at(study.over, subject, values)
    if values:
        raise StudyError("this study varies the seed: give `seed=0..4` in place of `values=`")
    return [Setting("", 0.0)]


def _hyperparameter(study: Study, subject: Subject, values: Sequence[str]) -> list[Setting]:
    card, name = subject.card, study.hyperparameter
    if name not in card.hyperparameters:
        serving = [model for model in whole_models() if subject.task.name in model.tasks]
        models = [model.name for model in serving if name in model.hyperparameters]
        raise StudyError(
            f"model {card.name} has no hyperparameter `{name}`: on {subject.task.name} "
            f"{', '.join(models) or 'no model'} {'have' if len(models) > 1 else 'has'} it"
        )
    longest_pair = _longest_pair(subject) if study.longest_edge else 0.0
    settings = []
    for position, text in enumerate(values):
        try:
            value = typed_value(text, card.hyperparameters[name])
        except ValueError as error:
            raise StudyError(f"values: {name} of {card.name}: {error}") from None
        if study.longest_edge and value < longest_pair:
            raise StudyError(
                f"{name} = {text} of {card.name}: it learns the change of pairs up to "
                f"{longest_pair:.3g}, which would have no edge (p = "
                f"{subject.hyperparameters['p']:g}): take values from {longest_pair:.3g} on, or "
                "model.p=1"
            )
        x = float(position) if isinstance(value, str) else float(value)
        variation = Variation(other_targets=study.other_targets)
        settings.append(Setting(text, x, {name: value}, variation))
    return settings


def _longest_pair(subject: Subject) -> float:
    """Return the length of the longest pair whose change the model learns, 0 where it learns none.

    With p = 1 a model learns particles alone (Shiba et al. 2023, Eq. 12).
    """
    from ...datasets.pairs import pair_distances

    structure = subject.view.structures("train", subject.conditions[0])[0]
    pairs, p = structure.pairs, subject.hyperparameters.get("p", 1.0)
    if pairs is None or not len(pairs) or p == 1.0:
        return 0.0
    return float(pair_distances(structure.positions, pairs, structure.box).max())


def _training_configurations(subject: Subject, values: Sequence[str]) -> list[Setting]:
    available = min(_configurations(subject, condition) for condition in subject.conditions)
    doubling = [str(2**k) for k in range(available.bit_length()) if 2**k < available]
    settings = []
    for count in dict.fromkeys(_count(t, available, subject) for t in values or [*doubling, ALL]):
        # All of them are the standard trial itself.
        chosen = None if count == available else count
        variation = Variation(training_configurations=chosen)
        settings.append(Setting(str(count), float(count), variation=variation))
    return settings


def _count(text: str, available: int, subject: Subject) -> int:
    if text == ALL:
        return available
    try:
        count = parse_count("values", text)
    except WordError as error:
        raise StudyError(str(error)) from None
    if count > available:
        raise StudyError(
            f"values: dataset {subject.dataset} has {available} training configurations, fewer "
            f"than {count}: give numbers up to {available}, or `{ALL}`"
        )
    return count


def _configurations(subject: Subject, condition: Condition) -> int:
    entries = subject.view.examples("train", (condition,)).entries
    return len({member.configuration for member, _ in entries})
