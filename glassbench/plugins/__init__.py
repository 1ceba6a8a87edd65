"""Tasks, models and datasets, found by name."""
