"""Mainstem: a Git-synced orchestration server for cloud data pipelines."""

__version__ = "0.1.0"
