"""Task runners that are not part of the core."""
