"""Running a submitted model that nobody trusts: walls, limits, and what passes between."""
