"""Where things lie on this machine, and the one way to write a file."""
