"""Core plug-ins: state."""
