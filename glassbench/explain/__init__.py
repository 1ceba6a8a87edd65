"""Where and why the predictions of a record fail: the section that its page shows."""

from .schema import check_explanation, write_explanation
from .section import explain_record

__all__ = ["check_explanation", "explain_record", "write_explanation"]
