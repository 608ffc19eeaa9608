"""The commands `mainstem local-gcp up` and `mainstem local-gcp key`."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from mainstem.errors import MainstemError
from mainstem.localgcp import ports, server
from mainstem.localgcp.auth.accounts import Accounts
from mainstem.localgcp.auth.tokens import Policy
from mainstem.localgcp.config import (
    DEFAULT_LOCATION,
    DEFAULT_PROJECT,
    DEFAULT_STATE,
    LocalGcpConfig,
)
from mainstem.localgcp.ports import Endpoints
from mainstem.localgcp.state import StateFolder, replace_file

FAILED = 1


def main(argv: Sequence[str]) -> int:
    """Run one command; returns the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
    except MainstemError as error:
        sys.stderr.write(f"local-gcp: {error.message}\n")
        return FAILED
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mainstem local-gcp",
        description="Google Cloud on this machine: Storage, BigQuery, Secret Manager, tokens.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_up(commands.add_parser("up", help="start everything and print the endpoints"))
    _add_key(commands.add_parser("key", help="issue a service-account key file"))
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--state",
        type=Path,
        default=DEFAULT_STATE,
        metavar="DIR",
        help=f"where everything is kept (default {DEFAULT_STATE})",
    )
    parser.add_argument(
        "--project",
        default=DEFAULT_PROJECT,
        help=f"the project of keys and of the console's first page (default {DEFAULT_PROJECT})",
    )


def _add_up(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    parser.add_argument("--json", action="store_true", help="print the endpoints as one JSON line")
    parser.add_argument(
        "--port-base",
        type=int,
        metavar="PORT",
        help="use this port for the services and the next one for storage "
        "(default: the ports of the last start, or free ones)",
    )
    parser.add_argument(
        "--location",
        default=DEFAULT_LOCATION,
        help=f"location of datasets that name none (default {DEFAULT_LOCATION})",
    )
    parser.add_argument(
        "--auth",
        choices=[policy.value for policy in Policy],
        default=Policy.OPEN.value,
        help="open: callers without a token of ours are let in as anonymous; "
        "strict: they get 401 (storage checks no tokens in either case)",
    )
    parser.add_argument(
        "--parent-pid", type=int, metavar="PID", help="stop when the process with this id ends"
    )
    parser.set_defaults(run=_up)


def _add_key(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    parser.add_argument("--email", help="the service account (default mainstem@PROJECT.iam.…)")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write the key there, mode 0600 (default: stdout)"
    )
    parser.add_argument("--list", action="store_true", help="list accounts and key ids")
    parser.add_argument("--delete", metavar="KEY_ID", help="delete a key: it fails from then on")
    parser.set_defaults(run=_key)


def _up(arguments: argparse.Namespace) -> int:
    config = LocalGcpConfig(
        state=arguments.state,
        project=arguments.project,
        location=arguments.location,
        port_base=arguments.port_base,
        policy=Policy(arguments.auth),
        parent_pid=arguments.parent_pid,
        as_json=arguments.json,
    )
    asyncio.run(server.serve(config))
    return 0


def _key(arguments: argparse.Namespace) -> int:
    state = StateFolder(arguments.state.resolve())
    accounts = Accounts(state.auth)
    if arguments.list:
        return _list_keys(accounts)
    if arguments.delete is not None:
        email = accounts.delete(arguments.delete)
        sys.stdout.write(f"Deleted key {arguments.delete} of {email}.\n")
        return 0
    email = arguments.email or f"mainstem@{arguments.project}.iam.gserviceaccount.com"
    token_uri = Endpoints.of(ports.chosen_or_new(state)).token
    key = accounts.issue(email, arguments.project, token_uri)
    text = json.dumps(key, indent=2) + "\n"
    if arguments.out is None:
        sys.stdout.write(text)
    else:
        replace_file(arguments.out, text.encode())
        sys.stderr.write(f"local-gcp: wrote a key of {email} to {arguments.out}\n")
    return 0


def _list_keys(accounts: Accounts) -> int:
    for email, account in sorted(accounts.all().items()):
        for key_id in account.keys:
            sys.stdout.write(f"{key_id}  {email}\n")
    return 0
