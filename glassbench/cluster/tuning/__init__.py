"""Tuning a model: trials on Ray Tune, or one after another in this process."""
