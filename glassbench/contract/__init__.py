"""What a task, a model card and a trial are: plain data, read from one TOML file each."""
