"""The `mainstem` command: `mainstem up`, `run`, `check`, `sync`, `kv`, `settings`, `version`.

Law: a command parses its arguments, calls one thing and prints; heavy parts are imported by the
command's own module, which is loaded only when that command is asked for.
"""

from mainstem.cli.main import main

__all__ = ["main"]
