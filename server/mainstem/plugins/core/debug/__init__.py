"""Core plug-ins: debug."""
