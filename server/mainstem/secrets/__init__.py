"""Secrets: where they come from, how they are sealed, and how they are kept out of sight.

Law: a value leaves this package only to a task that asked for it by name; it is never logged.
Must not import services, loops, API or pages.
"""
