"""Python scripts and commands, with their dependencies in cached environments."""
