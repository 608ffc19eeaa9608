"""`mainstem kv`: the key-value store of a running server."""

import argparse
import json
import sys
from pathlib import Path
from urllib.parse import quote

from mainstem.cli.options import add_server_option, read_text
from mainstem.cli.remote import Remote, connect


def arguments(parser: argparse.ArgumentParser) -> None:
    add_server_option(parser)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, text in (
        ("list", "list the keys of a namespace"),
        ("get", "print a value"),
        ("set", "store a value"),
        ("delete", "delete keys"),
        ("to-secret", "move a value to a secret of the same name"),
    ):
        sub = actions.add_parser(name, help=text)
        sub.add_argument("namespace")
        if name == "delete":
            sub.add_argument("key", nargs="+", help="one key, or several")
        elif name != "list":
            sub.add_argument("key")
        if name == "set":
            sub.add_argument("value", nargs="?", help="text; left out: read from --file")
            sub.add_argument("--file", type=Path, help="read the value from a file, - for input")
            sub.add_argument("--json", action="store_true", help="the value is JSON, not text")
            sub.add_argument("--ttl", help="time to live as an ISO duration")
            sub.add_argument("--description", help="what the value is for")


def run(args: argparse.Namespace) -> int:
    with connect(args) as remote:
        return _act(args, remote)


def _act(args: argparse.Namespace, remote: Remote) -> int:
    base = f"/namespaces/{quote(args.namespace, safe='')}/kv"
    if args.action == "list":
        for entry in remote.call("GET", base):
            print(f"{entry['key']}\t{entry['type']}\t{entry.get('expirationDate') or ''}")
        return 0
    if args.action == "delete":
        done = remote.call("DELETE", base, json={"keys": args.key})["keys"]
        for missing in sorted(set(args.key) - set(done)):
            print(f"mainstem: namespace {args.namespace} has no key {missing}", file=sys.stderr)
        return 0 if len(done) == len(set(args.key)) else 1
    key = quote(args.key, safe="")
    if args.action == "to-secret":
        for flow in remote.call("POST", f"{base}/{key}/to-secret")["stillRead"]:
            print(f"{flow} still reads kv('{args.key}'): change it to secret('{args.key}')")
        return 0
    if args.action == "get":
        value = remote.call("GET", f"{base}/{key}")["value"]
        print(value if isinstance(value, str) else json.dumps(value))
        return 0
    text = _value(args)
    body = text if args.json else json.dumps(text)
    headers = {"ttl": args.ttl} if args.ttl else {}
    if args.description is not None:
        headers["description"] = args.description
    remote.call("PUT", f"{base}/{key}", content=body, headers=headers)
    return 0


def _value(args: argparse.Namespace) -> str:
    if args.value is not None:
        return str(args.value)
    if args.file is None or str(args.file) == "-":
        return sys.stdin.read()
    return read_text(args.file)
