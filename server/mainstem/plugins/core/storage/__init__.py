"""Core plug-ins: storage."""
