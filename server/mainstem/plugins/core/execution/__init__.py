"""Core plug-ins: execution."""
