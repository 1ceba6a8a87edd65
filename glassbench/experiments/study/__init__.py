"""Studies of papers: sweeps that vary one thing, with a results file and a figure."""

from ...figures.study import draw_study
from .declaration import Study, StudyError, find_study, list_studies
from .outcome import study_results
from .planning import PlannedStudy, StudyRequest, parse_study, plan_study

__all__ = [
    "PlannedStudy",
    "Study",
    "StudyError",
    "StudyRequest",
    "draw_study",
    "find_study",
    "list_studies",
    "parse_study",
    "plan_study",
    "study_results",
]
