"""Where and why the predictions of a record fail: the section that its page shows."""

from .section import explain_record, write_explanation

__all__ = ["explain_record", "write_explanation"]
