"""`mainstem backfill`: run a schedule over a window of the past, on a running server."""

import argparse
import sys
import threading
from typing import Any, Final

from mainstem.cli.options import add_server_option, parse_pairs
from mainstem.cli.remote import Remote, connect
from mainstem.errors import InvalidInput, NotFound

_LOOK_SECONDS: Final = 0.5
_OPEN: Final = ("RUNNING", "PAUSED")
_SHOWN: Final = 50


def arguments(parser: argparse.ArgumentParser) -> None:
    add_server_option(parser)
    parser.add_argument("flow", metavar="NAMESPACE.FLOW")
    parser.add_argument("trigger", metavar="TRIGGER", help="a schedule of the flow")
    parser.add_argument(
        "action",
        nargs="?",
        default="start",
        choices=("start", "pause", "resume", "cancel", "list"),
        help="what to do (default: %(default)s)",
    )
    parser.add_argument("--start", metavar="DATE", help="first moment of the window, ISO 8601")
    parser.add_argument("--end", metavar="DATE", help="last moment of the window (default: now)")
    parser.add_argument(
        "--policy",
        default="missing",
        choices=("missing", "failed", "all"),
        help="slots to run: without an execution, also failed ones, or all (default: %(default)s)",
    )
    parser.add_argument("--newest-first", action="store_true", help="begin with the last slot")
    parser.add_argument(
        "--max-active", type=int, default=1, metavar="N", help="executions at a time (default: 1)"
    )
    parser.add_argument(
        "-i", "--input", action="append", default=[], metavar="KEY=VALUE", help="an input"
    )
    parser.add_argument(
        "-l", "--label", action="append", default=[], metavar="KEY=VALUE", help="a label"
    )
    parser.add_argument("--dry-run", action="store_true", help="list what would happen and stop")
    parser.add_argument("--wait", action="store_true", help="wait for the end")
    parser.add_argument("--kill", action="store_true", help="with cancel: kill what still runs")


def run(args: argparse.Namespace) -> int:
    """Returns 0, or 1 when it waited and an execution failed or the backfill was cancelled."""
    namespace, mark, flow = args.flow.rpartition(".")
    if not mark:
        raise InvalidInput(f"`{args.flow}` is not an id of a flow (namespace.id)")
    remote = connect(args)
    with remote.client:
        return _run(remote, f"/triggers/{namespace}/{flow}/{args.trigger}/backfills", args)


def _run(remote: Remote, base: str, args: argparse.Namespace) -> int:
    if args.action == "list":
        for item in remote.call("GET", base):
            print(_line(item))
        return 0
    if args.action != "start":
        return _turn(remote, base, args)
    return _start(remote, base, args)


def _start(remote: Remote, base: str, args: argparse.Namespace) -> int:
    if args.start is None:
        raise InvalidInput("--start DATE is needed: the first moment of the window")
    body = {
        "start": args.start,
        "end": args.end,
        "policy": args.policy,
        "order": "newest" if args.newest_first else "oldest",
        "maxActive": args.max_active,
        "inputs": parse_pairs(args.input, "--input"),
        "labels": parse_pairs(args.label, "--label"),
    }
    if args.dry_run:
        _print_plan(remote.call("POST", f"{base}/preview", json=body))
        return 0
    item = remote.call("POST", base, json=body)
    print(_line(item))
    return _wait(remote, f"{base}/{item['id']}") if args.wait else 0


def _turn(remote: Remote, base: str, args: argparse.Namespace) -> int:
    found = [item for item in remote.call("GET", base) if item["state"] in _OPEN]
    if not found:
        raise NotFound(f"trigger {args.trigger} of {args.flow} has no open backfill")
    address = f"{base}/{found[0]['id']}"
    options = {"params": {"kill": args.kill}} if args.action == "cancel" else {}
    print(_line(remote.call("POST", f"{address}/{args.action}", **options)))
    return _wait(remote, address) if args.wait else 0


def _wait(remote: Remote, address: str) -> int:
    """Show how far it is until it ends or is paused."""
    pause, shown = threading.Event(), ""
    while True:
        item = remote.call("GET", address)
        if (line := _line(item)) != shown:
            print(line, file=sys.stderr, flush=True)
            shown = line
        if item["state"] != "RUNNING":
            return 0 if item["state"] == "DONE" and not item["failed"] else 1
        pause.wait(_LOOK_SECONDS)


def _line(item: dict[str, Any]) -> str:
    text = (
        f"{item['id']} {item['state']} {item['start']} to {item['end']}: {item['fired']} of "
        f"{item['total']} fired, {item['skipped']} skipped, {item['running']} running, "
        f"{item['succeeded']} succeeded, {item['failed']} failed"
    )
    if item.get("eta"):
        text += f", about {item['eta']} left"
    return text + (f" ({item['reason']})" if item.get("reason") else "")


def _print_plan(plan: dict[str, Any]) -> None:
    for slot in plan["slots"][:_SHOWN]:
        print(f"{slot['slot']}  {'run ' if slot['runs'] else 'skip'}  {slot['reason']}")
    if plan["total"] > _SHOWN:
        print(f"… and {plan['total'] - _SHOWN} more")
    print(f"{plan['total']} slots: {plan['runs']} would run, {plan['skips']} would be skipped")
