"""Shell scripts and commands."""
