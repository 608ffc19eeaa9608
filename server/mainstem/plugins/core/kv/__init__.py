"""Core plug-ins: kv."""
