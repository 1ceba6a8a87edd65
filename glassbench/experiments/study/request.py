"""Words of `glassbench study` as a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..words import RunRequest, parse_run, split_words
from .declaration import Study, StudyError


@dataclass(frozen=True)
class StudyRequest:
    """What `glassbench study` was asked to do, before any dataset is opened.

    Attributes
    ----------
    run : what a run takes too: task, models, dataset, conditions, seeds, …
    values : of what the study varies, as words; its defaults where none were given
    options : words of the study itself, with its defaults
    """

    study: Study
    run: RunRequest
    values: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)


def parse_study(study: Study, words: Sequence[str], axes: Iterable[str]) -> StudyRequest:
    """Return the request that the words after the study's name make.

    Raises
    ------
    UserError
        If a key or a value is wrong.
    """
    given = split_words(words)
    own = {"values", *study.varies.options}
    rest = [word for word in words if word.partition("=")[0].strip() not in own]
    run = parse_run(rest, axes)
    if run.force:
        raise StudyError(
            "`force` is not for studies, whose trials may be those of a run too: "
            "take another home=, or `glassbench run … force=on`"
        )
    if "seed" not in given:
        run = replace(run, seeds=study.seeds)
    options = {name: given.get(name, text) for name, text in study.varies.options.items()}
    return StudyRequest(study, run, _values(given, study), options)


def _values(given: Mapping[str, str], study: Study) -> tuple[str, ...]:
    if "values" not in given:
        return study.values
    values = [value.strip() for value in given["values"].split(",")]
    for index, value in enumerate(values):
        if not value:
            raise StudyError(f"`values={given['values']}` has an empty place between its commas")
        if value in values[:index]:
            raise StudyError(f"`values` has {value} twice: leave one out")
    return tuple(values)
