"""Tuning as plain data: search spaces, suggestions, the journal of a study, its report.

It knows nothing of Ray; `cluster.tune` runs what stands here.
"""
