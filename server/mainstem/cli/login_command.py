"""`mainstem login`: keep a token for a server in the user's own folder."""

import argparse
import getpass
import socket
import sys

from mainstem.cli.keyring import forget_token, keep_token
from mainstem.cli.options import add_server_option
from mainstem.cli.remote import Remote
from mainstem.errors import Denied


def arguments(parser: argparse.ArgumentParser) -> None:
    add_server_option(parser)
    parser.add_argument("--user", help="sign in with a password; else a token is asked for")
    parser.add_argument("--days", type=int, default=90, help="life of the token (default: 90)")
    parser.add_argument("--forget", action="store_true", help="forget the token of the server")


def run(args: argparse.Namespace) -> int:
    """Checks the credentials before it keeps anything."""
    server = args.server.rstrip("/")
    if args.forget:
        forget_token(server)
        return 0
    token = _token_for_password(server, args) if args.user else _ask(f"Token for {server}: ")
    with Remote(server, token) as remote:
        who = remote.call("GET", "/me")
    where = keep_token(server, token)
    print(f"signed in at {server} as {who['name']}; the token is in {where}")
    return 0


def _token_for_password(server: str, args: argparse.Namespace) -> str:
    password = _ask(f"Password of {args.user}: ")
    body = {
        "name": f"mainstem login on {socket.gethostname()}"[:100],
        "role": "",
        "expiresInDays": args.days,
    }
    with Remote(server, None) as remote:
        remote.client.auth = (args.user, password)
        roles = remote.call("GET", "/me")["roles"]
        # One token carries one role: the greatest, and the server narrows it to the user's own.
        if not roles:
            raise Denied(f"{args.user} has no role on {server} yet: ask an admin for one")
        order = ("viewer", "operator", "editor", "admin")
        best = max(roles, key=lambda item: (not item["namespace"], order.index(item["role"])))
        body |= {"role": best["role"], "namespace": best["namespace"]}
        return str(remote.call("POST", "/tokens", json=body)["token"])


def _ask(prompt: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(prompt).strip()
    return sys.stdin.readline().strip()
