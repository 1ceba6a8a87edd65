"""Datasets from simulations: LAMMPS and the machinery around it, for the generators of tasks."""
