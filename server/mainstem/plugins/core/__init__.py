"""Tasks, triggers and conditions that need nothing but the server itself."""
