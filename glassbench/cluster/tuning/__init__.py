"""Hyperparameter searches on Ray Tune."""
