"""Core plug-ins: metric."""
