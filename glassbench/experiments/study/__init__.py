"""The studies of the papers: what each varies, its trials, its results file and its figure."""

from ...figures.study import draw_study
from .catalogue import STUDIES, find_study
from .declaration import Study, StudyError
from .outcome import study_results, write_results
from .planning import PlannedStudy, plan_study
from .request import StudyRequest, parse_study

__all__ = [
    "STUDIES",
    "PlannedStudy",
    "Study",
    "StudyError",
    "StudyRequest",
    "draw_study",
    "find_study",
    "parse_study",
    "plan_study",
    "study_results",
    "write_results",
]
