"""Tuning as plain data: the study, its suggestions, its journal and its report; no Ray."""
