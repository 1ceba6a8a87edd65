"""A torch network that learns all conditions at once, with one output for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from ..model import Condition, Example, Predictions, Run, Structure
from .encoded import EncodedExamples, content_digest
from .torch_model import TorchModel

Columns = tuple[tuple[tuple[str, float], ...], ...]


class JointModel(TorchModel):
    """Base class of networks whose outputs (N, C) are the predictions at C conditions.

    What a subclass gives is as in `TorchModel`; its card says `conditions_per_fit = "all"`. In
    `loss`, the targets of a structure are (N, C), NaN at conditions where it was not measured, as
    at those of other temperatures.

    Attributes
    ----------
    columns : the conditions, in the order of the outputs
    """

    stored = (*TorchModel.stored, "columns")
    columns: Columns = ()

    def fit(self, train: Sequence[Example], valid: Sequence[Example], run: Run) -> None:
        """Train on all conditions, and keep the weights that score best on `valid`."""
        self.columns = tuple(condition.values for condition in run.conditions)
        examples, score = list(valid), run.score

        def score_of(predictions: Sequence[Predictions], joined: Sequence[Example]) -> float:
            assert score is not None
            keys = (content_digest(example.structure) for example in joined)
            by_structure = dict(zip(keys, predictions, strict=True))
            asked = [
                self._at(by_structure[content_digest(example.structure)], example.condition)
                for example in examples
            ]
            return score(asked, examples)

        run = replace(run, score=None if score is None else score_of)
        super().fit(self._joined(train, run.target), self._joined(valid, run.target), run)

    def predict(
        self, structures: Sequence[Structure], condition: Condition
    ) -> Sequence[Predictions]:
        """Return predictions at one of the conditions of the fit, computed in float32."""
        return [self._at(self._predict(structure), condition) for structure in structures]

    def _joined(self, examples: Sequence[Example], target: str) -> list[Example]:
        """Return one example a structure, with its targets at all conditions (N, C)."""
        joined: dict[bytes, Example] = {}
        for example in examples:
            values = example.targets[target]
            nothing = np.full((len(values), len(self.columns)), np.nan, np.float32)
            whole = replace(example, targets={target: nothing})
            whole = joined.setdefault(content_digest(example.structure), whole)
            whole.targets[target][:, self._column(example.condition)] = values
        return list(joined.values())

    def _at(self, predictions: Predictions, condition: Condition) -> dict[str, np.ndarray]:
        column = self._column(condition)
        return {name: values[:, column] for name, values in predictions.items()}

    def _column(self, condition: Condition) -> int:
        return self.columns.index(condition.values)


def mean_squared_error(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the mean squared error over the targets that are known."""
    known = torch.isfinite(targets)
    return ((outputs[known] - targets[known]) ** 2).mean()


def species_moments(
    examples: EncodedExamples, target: str, kinds: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and deviation (kinds, C) of the known targets of each species.

    The inputs of the examples hold `species` (N,).
    """
    inputs, targets = zip(*(examples[index] for index in range(len(examples))), strict=True)
    species = torch.cat([each["species"] for each in inputs])
    values = torch.cat([each[target] for each in targets])
    of_kinds = [values[species == kind] for kind in range(kinds)]
    means = [of_kind.nanmean(dim=0) for of_kind in of_kinds]
    squares = [((v - mean) ** 2).nanmean(dim=0) for v, mean in zip(of_kinds, means, strict=True)]
    return torch.stack(means), torch.stack(squares).sqrt().clamp(min=1e-6)
