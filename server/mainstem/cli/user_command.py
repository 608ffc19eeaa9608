"""`mainstem user`: users, in the database itself; a server need not run."""

import argparse
import getpass
import sys
from pathlib import Path

from mainstem.cli.options import add_settings_options, read_text, settings_from
from mainstem.clock import SystemClock
from mainstem.errors import InvalidInput
from mainstem.ids import random_id
from mainstem.services.users import UserService, parse_grant
from mainstem.store.database import open_database


def arguments(parser: argparse.ArgumentParser) -> None:
    add_settings_options(parser)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="list users and their roles")
    for name, text in (
        ("add", "add a user"),
        ("roles", "replace the roles of a user"),
        ("password", "set a password; the user's sessions end"),
        ("link", "print a one-time link by which the user sets a password"),
        ("disable", "lock a user out at once"),
        ("enable", "let a user in again"),
        ("remove", "delete a user with sessions and tokens"),
    ):
        sub = actions.add_parser(name, help=text)
        sub.add_argument("name")
        if name in ("add", "roles"):
            sub.add_argument(
                "--role",
                action="append",
                default=[],
                metavar="ROLE[:NAMESPACE]",
                help="viewer, operator, editor or admin; may be repeated",
            )
        if name in ("add", "password"):
            sub.add_argument(
                "--password-file", type=Path, metavar="FILE", help="read it there, - for input"
            )
        if name == "add":
            sub.add_argument("--no-password", action="store_true", help="give a link later")


def run(args: argparse.Namespace) -> int:
    settings = settings_from(args)
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    database = open_database(settings.database_url)
    try:
        base = settings.server.base_url or f"http://127.0.0.1:{settings.server.port}"
        _act(args, UserService(database, SystemClock(), random_id), base.rstrip("/"))
    finally:
        database.close()
    return 0


def _act(args: argparse.Namespace, users: UserService, base: str) -> None:
    if args.action == "list":
        for user in users.everybody():
            roles = ", ".join(str(grant) for grant in user.principal.grants) or "no role"
            print(f"{user.name}\t{roles}{'	disabled' if user.disabled else ''}")
        return
    if args.action == "add":
        wanted = args.role or ([] if users.count() else ["admin"])
        grants = [parse_grant(text) for text in wanted]
        users.create(args.name, None if args.no_password else _password(args), grants)
        return
    user = users.by_name(args.name)
    if args.action == "roles":
        users.set_grants(user.id, [parse_grant(text) for text in args.role])
    elif args.action == "password":
        users.set_password(user.id, _password(args))
    elif args.action == "link":
        print(f"{base}/ui/welcome/{users.password_link(user.id)}")
    elif args.action == "remove":
        users.remove(user.id)
    else:
        users.set_disabled(user.id, args.action == "disable")


def _password(args: argparse.Namespace) -> str:
    if args.password_file is not None and str(args.password_file) != "-":
        return read_text(args.password_file).strip()
    if args.password_file is not None or not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    first = getpass.getpass(f"Password of {args.name}: ")
    if getpass.getpass("The same again: ") != first:
        raise InvalidInput("the two passwords are not the same")
    return first
