"""Script tasks: shell and Python, as inline scripts or commands, in any task runner."""
