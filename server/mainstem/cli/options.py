"""Options and helpers that commands share."""

import argparse
from pathlib import Path

from mainstem.errors import InvalidInput
from mainstem.settings import Settings, load_settings


def add_settings_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file (YAML)")
    parser.add_argument("--state", type=Path, metavar="DIR", help="state folder (state_dir)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="one setting, as in worker.threads=4; may be repeated",
    )


def settings_from(args: argparse.Namespace, **overrides: object) -> Settings:
    """Settings of the file and the environment, with the options on top.

    Raises InvalidInput.
    """
    given: dict[str, object] = {}
    if args.state is not None:
        given["state_dir"] = str(args.state)
    for item in args.set:
        key, mark, value = item.partition("=")
        if not mark:
            raise InvalidInput(f"--set {item}: write KEY=VALUE")
        given[key] = value
    given.update(overrides)
    return load_settings(args.config, given)


def parse_pairs(items: list[str], option: str) -> dict[str, str]:
    """`key=value` options; raises InvalidInput."""
    found = {}
    for item in items:
        key, mark, value = item.partition("=")
        if not mark:
            raise InvalidInput(f"{option} {item}: write key=value")
        found[key] = value
    return found


def read_bytes(path: Path) -> bytes:
    """The content of a file named on the command line; raises InvalidInput."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error


def read_text(path: Path) -> str:
    """As `read_bytes`, for UTF-8 text."""
    try:
        return read_bytes(path).decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8 text") from error


def add_server_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--server",
        default="http://127.0.0.1:8080",
        metavar="URL",
        help="address of the running server (default: %(default)s)",
    )
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="file of an API token")
    parser.add_argument(
        "--state",
        type=Path,
        metavar="DIR",
        help="state folder of a server on this machine, which lets its owner in",
    )
