"""Core plug-ins: http."""
