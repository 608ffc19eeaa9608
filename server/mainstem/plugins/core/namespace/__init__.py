"""Core plug-ins: namespace."""
