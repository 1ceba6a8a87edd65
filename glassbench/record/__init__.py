"""Many trials in one record: the file, its schema, and what it says."""
