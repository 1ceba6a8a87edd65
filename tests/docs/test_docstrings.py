"""The examples in the docstrings of the public face give what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import glassbench.metrics
import glassbench.structure

PACKAGES = (glassbench.metrics, glassbench.structure)
MODULES = ["glassbench", "glassbench.model", "glassbench.experiments.problem"]
MODULES += ["glassbench.training.graph_data"]
MODULES += [
    module.name
    for package in PACKAGES
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
]


def examples_of(name: str) -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    return [test for test in finder.find(importlib.import_module(name)) if test.examples]


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_say(name):
    for example in examples_of(name):
        report: list[str] = []
        doctest.DocTestRunner().run(example, out=report.append)
        assert not report, f"{example.name}: {''.join(report)}"


@pytest.mark.parametrize("name", MODULES[:4])
def test_the_first_steps_have_examples(name):
    assert examples_of(name)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_what_most_need_of_a_package_has_examples(package):
    shown = {e.name.rsplit(".")[-1] for m in MODULES if m.startswith(package.__name__)
             for e in examples_of(m)}  # fmt: skip
    assert len(shown & set(package.__all__)) >= 9
