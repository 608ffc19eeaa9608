"""The schema's steps, one module each, never edited after a release."""
