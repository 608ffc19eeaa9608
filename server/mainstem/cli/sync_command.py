"""`mainstem sync`: look at a Git source of a running server."""

import argparse
from urllib.parse import quote

from mainstem.cli.options import add_server_option
from mainstem.cli.remote import Remote, connect


def arguments(parser: argparse.ArgumentParser) -> None:
    add_server_option(parser)
    parser.add_argument("source", nargs="?", help="name of the source; left out: all of them")
    parser.add_argument("--dry-run", action="store_true", help="show the plan, change nothing")


def run(args: argparse.Namespace) -> int:
    """Returns 1 when a commit is not valid."""
    with connect(args) as remote:
        return _sync(args, remote)


def _sync(args: argparse.Namespace, remote: Remote) -> int:
    names = [args.source] if args.source else [s["name"] for s in remote.call("GET", "/syncs")]
    failed = False
    for name in names:
        params = {"dryRun": "true"} if args.dry_run else {}
        result = remote.call("POST", f"/syncs/{quote(name, safe='')}", params=params)
        errors = [p for p in result["problems"] if p["severity"] == "error"]
        for problem in result["problems"]:
            print(problem["text"])
        verb = "would be applied" if args.dry_run else "applied"
        outcome = "refused" if errors else verb if _has_changes(result) else "up to date"
        print(f"{name}: {result['commit'][:12]} {outcome}")
        for action, items in result["plan"].items():
            for item in items:
                print(f"  {action.replace('_', ' ')}: {item}")
        failed = failed or bool(errors)
    return 1 if failed else 0


def _has_changes(result: dict[str, dict[str, list[str]]]) -> bool:
    return any(result["plan"].values()) or bool(result.get("applied"))
