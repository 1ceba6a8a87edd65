"""Sweeps as plain data: the plan and its file, and how far its trials are."""
