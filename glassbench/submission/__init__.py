"""Handing in a model: written from a template, checked, packed, verified, accepted."""
