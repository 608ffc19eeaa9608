"""`mainstem secret`: names out, values in; and the key that seals them."""

import argparse
import sys
from pathlib import Path
from urllib.parse import quote

from mainstem.cli.options import (
    add_server_option,
    add_settings_options,
    parse_pairs,
    read_text,
    settings_from,
)
from mainstem.cli.remote import Remote, connect
from mainstem.clock import SystemClock
from mainstem.errors import InvalidInput
from mainstem.secrets import fingerprint
from mainstem.secrets.build import key_file, key_source
from mainstem.secrets.rotation import BATCH, forget_old, rotate
from mainstem.store.database import open_database


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="names that a namespace sees, and where they are")
    put = actions.add_parser("set", help="store a secret; the value comes from a file or input")
    delete = actions.add_parser("delete", help="delete a secret")
    for sub in (listing, put, delete):
        add_server_option(sub)
        sub.add_argument("namespace")
    for sub in (put, delete):
        sub.add_argument("key")
    put.add_argument("--file", type=Path, help="read the value from a file; else from input")
    put.add_argument("--description", help="what the secret is for")
    put.add_argument("--tag", action="append", default=[], metavar="KEY=VALUE", help="a label")
    turn = actions.add_parser(
        "rotate-key", help="seal all secrets by a new key, beside a running server or without one"
    )
    add_settings_options(turn)
    turn.add_argument("--batch", type=int, default=BATCH, help="secrets sealed in one transaction")
    turn.add_argument("--forget-old", action="store_true", help="then drop the older keys")
    turn.add_argument("--adopt-kms", action="store_true", help="first wrap a bare key by KMS")
    adopt = actions.add_parser(
        "adopt-key", help="let the database go on with this server's key, when its own is lost"
    )
    add_settings_options(adopt)


def run(args: argparse.Namespace) -> int:
    if args.action == "adopt-key":
        return _adopt(args)
    if args.action == "rotate-key":
        return _rotate(args)
    with connect(args) as remote:
        return _act(args, remote)


def _act(args: argparse.Namespace, remote: Remote) -> int:
    base = f"/namespaces/{quote(args.namespace, safe='')}"
    if args.action == "list":
        found = remote.call("GET", f"{base}/inherited-secrets")
        for place, keys in found.items():
            for key in keys:
                print(f"{key}\t{place or 'any namespace'}")
        return 0
    if args.action == "delete":
        remote.call("DELETE", f"{base}/secrets/{quote(args.key, safe='')}")
        return 0
    tags = [{"key": k, "value": v} for k, v in parse_pairs(args.tag, "--tag").items()]
    body = {"key": args.key, "value": _value(args), "description": args.description, "tags": tags}
    remote.call("PUT", f"{base}/secrets", json=body)
    return 0


def _value(args: argparse.Namespace) -> str:
    """One line break at the end of input is the shell's, not the value's."""
    if args.file is not None and str(args.file) != "-":
        return read_text(args.file)
    if sys.stdin.isatty():
        raise InvalidInput("give the value by --file, or pipe it in: it must not be an argument")
    return sys.stdin.read().removesuffix("\n")


def _adopt(args: argparse.Namespace) -> int:
    settings = settings_from(args)
    database = open_database(settings.database_url)
    try:
        active = fingerprint.adopt(database, key_source(settings), SystemClock().now())
    finally:
        database.close()
    print(f"the database goes on with the key {active}; store the secrets of the lost one again")
    return 0


def _rotate(args: argparse.Namespace) -> int:
    if args.batch < 1:
        raise InvalidInput("--batch: at least 1")
    settings = settings_from(args)
    database = open_database(settings.database_url)
    try:
        if args.adopt_kms:
            key_file(settings).adopt()
        keys = key_source(settings)
        done = rotate(database, keys, batch=args.batch)
        verb = "resumed: " if done.resumed else ""
        print(f"{verb}{done.resealed} secrets are sealed by key {done.key_id}")
        if args.forget_old:
            print(f"{forget_old(database, keys)} older keys are dropped")
    finally:
        database.close()
    return 0
