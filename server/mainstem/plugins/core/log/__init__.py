"""Core plug-ins: log."""
