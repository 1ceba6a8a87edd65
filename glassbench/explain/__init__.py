"""Where and why the predictions of a record fail: the section that its page shows."""
