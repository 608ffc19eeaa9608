"""`mainstem token`: API tokens of a running server."""

import argparse
from urllib.parse import quote

from mainstem.cli.options import add_server_option
from mainstem.cli.remote import connect


def arguments(parser: argparse.ArgumentParser) -> None:
    add_server_option(parser)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="list tokens, never their secrets")
    create = actions.add_parser("create", help="make a token and print it once")
    create.add_argument("name", help="what will use it")
    create.add_argument("--role", default="operator", help="default: %(default)s")
    create.add_argument("--namespace", default="", help="with those below it; default: all")
    create.add_argument("--days", type=int, default=90, help="0 never expires (default: 90)")
    revoke = actions.add_parser("revoke", help="take a token away at once")
    revoke.add_argument("id")


def run(args: argparse.Namespace) -> int:
    with connect(args) as remote:
        if args.action == "list":
            for item in remote.call("GET", "/tokens"):
                place = item["namespace"] or "everywhere"
                ends = item.get("expires") or "never expires"
                print(f"{item['id']}\t{item['name']}\t{item['role']}\t{place}\t{ends}")
        elif args.action == "create":
            body = {
                "name": args.name,
                "role": args.role,
                "namespace": args.namespace,
                "expiresInDays": args.days or None,
            }
            print(remote.call("POST", "/tokens", json=body)["token"])
        else:
            remote.call("DELETE", f"/tokens/{quote(args.id, safe='')}")
    return 0
