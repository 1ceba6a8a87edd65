"""Studies that vary a hyperparameter: rounds, edge threshold, p of BOTAN, edge features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ...contract.trial_plan import STANDARD
from ...contract.typed_value import typed_value
from ...contract.variation import Variation
from ...plugins.registry import whole_models
from .declaration import Setting, StudyError, Subject


@dataclass(frozen=True)
class Hyperparameter:
    """One hyperparameter takes several values, all others stay.

    Attributes
    ----------
    name : of the hyperparameter
    refuse : returns why a model cannot take a value, or an empty text
    variation : what the trials do otherwise than the task
    """

    name: str
    refuse: Callable[[Subject, object], str] = lambda subject, value: ""
    variation: Variation = STANDARD
    options: Mapping[str, str] = field(default_factory=dict)
    over: str = ""

    def settings(self, subject: Subject, values: Sequence[str]) -> list[Setting]:
        card = subject.card
        if self.name not in card.hyperparameters:
            others = models_with(self.name, subject.task.name)
            raise StudyError(
                f"model {card.name} has no hyperparameter `{self.name}`: on {subject.task.name} "
                f"{', '.join(others) or 'no model'} {'have' if len(others) > 1 else 'has'} it"
            )
        settings = []
        for place, text in enumerate(values):
            try:
                value = typed_value(text, card.hyperparameters[self.name])
            except ValueError as error:
                raise StudyError(f"values: {self.name} of {card.name}: {error}") from None
            reason = self.refuse(subject, value)
            if reason:
                raise StudyError(f"{self.name} = {text} of {card.name}: {reason}")
            x = float(place) if isinstance(value, str) else float(value)
            settings.append(Setting(text, x, {self.name: value}, self.variation))
        return settings


def models_with(hyperparameter: str, task: str) -> list[str]:
    """Return the names of the models on this machine that serve a task and can be so varied."""
    cards = whole_models()
    return [c.name for c in cards if task in c.tasks and hyperparameter in c.hyperparameters]


def refuse_lost_pairs(subject: Subject, threshold: object) -> str:
    """Refuse edges shorter than the pairs whose changes a model learns, see Eq. 12 of BOTAN."""
    chosen = subject.hyperparameters
    if chosen.get("p", 1.0) == 1.0:
        return ""
    longest = _longest_pair(subject)
    if longest is None or float(threshold) >= longest:
        return ""
    return (
        f"it learns the change of pairs up to {longest:.3g}, which would have no edge "
        f"(p = {chosen['p']:g}): take values from {longest:.3g} on, or model.p=1"
    )


def _longest_pair(subject: Subject) -> float | None:
    from ...datasets.pairs import pair_distances

    structure = subject.view.structures("train", subject.conditions[0])[0]
    if structure.pairs is None or not len(structure.pairs):
        return None
    return float(pair_distances(structure.positions, structure.pairs, structure.box).max())
