"""Reads the command line and hands over to the command's module."""

import argparse
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Final, Protocol, cast

from mainstem import __version__
from mainstem.errors import MainstemError

COMMANDS: Final = {
    "up": "start the server",
    "run": "run a flow once, with live logs; the exit code follows the state",
    "check": "validate flows and print problems as path:line:column",
    "import-kestra": "a running Kestra as a repository to sync from",
    "init": "write a repository to start from: flows, tests, files, dbt",
    "sync": "synchronise, inspect and switch Git sources of a running server",
    "kv": "read and write the key-value store of a running server",
    "user": "users and their roles, in the database itself",
    "token": "API tokens of a running server",
    "login": "keep a token for a server",
    "secret": "write secrets of a running server; rotate the key that seals them",
    "namespace": "show and change what namespaces say and inherit",
    "backfill": "run a schedule over a window of the past",
    "doctor": "look at all that a server needs, and say what to do",
    "db": "upgrade, purge or copy the database",
    "backup": "write everything of a server into one file",
    "restore": "put a backup into an empty database",
    "schema": "print the JSON Schema of the flow language",
    "settings": "print the effective settings, redacted",
    "local-gcp": "local Google Cloud: emulators for the real client libraries",
    "version": "print the version",
}


class Command(Protocol):
    """A module `mainstem.cli.<name>`."""

    def arguments(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, args: argparse.Namespace) -> int: ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code (2 for a wrong call)."""
    given = list(sys.argv[1:] if argv is None else argv)
    if given[:1] == ["local-gcp"]:
        # A product of its own in a process of its own: nothing of the server is loaded.
        os.execv(sys.executable, [sys.executable, "-m", "mainstem.localgcp", *given[1:]])  # noqa: S606
    # Loading makes no garbage: looking for it costs a tenth of the start, and later as well.
    gc.disable()
    try:
        parser, commands = _parser(given)
    finally:
        gc.enable()
        gc.freeze()
    args = parser.parse_args(given)
    if args.command == "version":
        print(__version__)
        return 0
    if args.command is None:
        parser.print_help()
        return 2
    try:
        return commands[args.command].run(args)
    except MainstemError as error:
        print(f"mainstem: {error.message}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does; flushing at exit must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _parser(given: Sequence[str]) -> tuple[argparse.ArgumentParser, dict[str, Command]]:
    parser = argparse.ArgumentParser(
        prog="mainstem", description="A Git-synced orchestration server for cloud data pipelines."
    )
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    wanted = next((word for word in given if word in COMMANDS), None)
    loaded: dict[str, Command] = {}
    for name, text in COMMANDS.items():
        sub = subparsers.add_parser(name, help=text, description=text)
        if name == wanted and name not in ("version", "local-gcp"):
            module = importlib.import_module(f"mainstem.cli.{name.replace('-', '_')}_command")
            loaded[name] = cast("Command", module)
            loaded[name].arguments(sub)
    return parser, loaded
