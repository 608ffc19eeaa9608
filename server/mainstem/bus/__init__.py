"""Signals that something changed, never what: readers ask the store again.

Law: losing a signal costs a delay, not data. Topics are text such as `execution:ID`.
Must not import services, loops, API or pages.
"""
