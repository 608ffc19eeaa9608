"""Core plug-ins: output."""
