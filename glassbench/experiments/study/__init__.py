"""Studies of papers: sweeps that vary one thing, with a results file and a figure."""
