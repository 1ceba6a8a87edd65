"""Checks that every model must pass, for maintainers and strangers alike.

from glassbench.conformance import assert_conforms

def test_my_model_keeps_the_contract():
    assert_conforms("./my_model")
"""

from .check import CHECKS, assert_conforms, check_model, check_plugin, report
from .structures import Examples, glassy_structure, make_examples
from .subject import Subject

__all__ = [
    "CHECKS",
    "Examples",
    "Subject",
    "assert_conforms",
    "check_model",
    "check_plugin",
    "glassy_structure",
    "make_examples",
    "report",
]
