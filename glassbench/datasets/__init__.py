"""Datasets: the Zarr store, its digest and manifest, splits, and readers of published formats."""
