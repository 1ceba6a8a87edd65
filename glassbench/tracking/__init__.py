"""Tracking: what ran on what, and the delivery of results to MLflow."""
