"""`mainstem sync`: Git sources of a running server."""

import argparse
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from mainstem.cli.options import add_server_option, read_text
from mainstem.cli.remote import Remote, connect
from mainstem.errors import InvalidInput


def arguments(parser: argparse.ArgumentParser) -> None:
    add_server_option(parser)
    parser.add_argument("source", nargs="?", help="name of the source; left out: all of them")
    parser.add_argument("--dry-run", action="store_true", help="show the plan, change nothing")
    parser.add_argument("--diff", action="store_true", help="as --dry-run, with every line changed")
    parser.add_argument("--heal", action="store_true", help="discard edits made on the server")
    act = parser.add_mutually_exclusive_group()
    act.add_argument("--status", action="store_true", help="show conditions, ask for nothing")
    act.add_argument("--history", action="store_true", help="show the last syncs")
    act.add_argument("--suspend", action="store_true", help="stop looking at the source")
    act.add_argument("--resume", action="store_true", help="look at it again")
    act.add_argument("--pin", metavar="COMMIT", help="go to a commit of the past and stay there")
    act.add_argument("--unpin", action="store_true", help="follow the branch again")
    act.add_argument("--add", metavar="FILE", help="set up the source that a YAML file describes")
    act.add_argument("--remove", action="store_true", help="forget the source; its flows stay")


def run(args: argparse.Namespace) -> int:
    """Returns 1 when a commit is not valid, or a source is not ready."""
    with connect(args) as remote:
        if args.add:
            made = remote.call("POST", "/syncs", json=_definition(args.add))
            print(f"{made['name']}: set up")
            return 0
        names = _names(args, remote)
        return max((_one(args, remote, name) for name in names), default=0)


def _names(args: argparse.Namespace, remote: Remote) -> list[str]:
    if args.source:
        return [args.source]
    if args.pin or args.unpin or args.suspend or args.resume or args.remove:
        raise InvalidInput("name the source")
    return [source["name"] for source in remote.call("GET", "/syncs")]


def _one(args: argparse.Namespace, remote: Remote, name: str) -> int:
    path = f"/syncs/{quote(name, safe='')}"
    if args.status:
        return _show_status(remote.call("GET", path))
    if args.history:
        return _show_history(name, remote.call("GET", f"{path}/history"))
    if args.suspend or args.resume:
        verb = "suspend" if args.suspend else "resume"
        remote.call("POST", f"{path}/{verb}")
        print(f"{name}: {verb}{'ed' if args.suspend else 'd'}")
        return 0
    if args.remove:
        remote.call("DELETE", path)
        print(f"{name}: removed; its flows and files stay")
        return 0
    if args.pin:
        return _show_result(name, remote.call("POST", f"{path}/pin", json={"commit": args.pin}))
    if args.unpin:
        return _show_result(name, remote.call("POST", f"{path}/unpin"))
    dry = args.dry_run or args.diff
    wishes = {"dryRun": dry, "diff": args.diff, "heal": args.heal}
    params = {key: "true" for key, wish in wishes.items() if wish}
    return _show_result(name, remote.call("POST", path, params=params), dry=dry)


def _show_result(name: str, result: dict[str, Any], *, dry: bool = False) -> int:
    errors = [p for p in result["problems"] if p["severity"] == "error"]
    for problem in result["problems"]:
        print(problem["text"])
    verb = "would be applied" if dry else "applied"
    changes = any(result["plan"].values()) or bool(result.get("applied"))
    outcome = "refused" if errors else verb if changes else "up to date"
    print(f"{name}: {result['commit'][:12]} {outcome}")
    for action, items in result["plan"].items():
        for item in items:
            print(f"  {action.replace('_', ' ')}: {item}")
    for warning in result["warnings"]:
        print(f"  warning: {warning}")
    for difference in result.get("diff", ()):
        print(difference["unified"], end="")
    return 1 if errors else 0


def _show_status(source: dict[str, Any]) -> int:
    live = (source["good_commit"] or "nothing")[:12]
    marks = [word for word, on in (("suspended", source["suspended"]),) if on]
    marks += [f"pinned to {source['pinned'][:12]}"] if source["pinned"] else []
    print(f"{source['name']}: {source['url']} ({source['branch']}), live: {live}", *marks)
    ready = True
    for item in source["conditions"]:
        if item["kind"] == "Ready":
            ready = item["status"]
        word = item["kind"] if item["status"] else f"not {item['kind']}"
        print(f"  {word:<14} {item['reason']:<14} {item['message'] or ''}".rstrip())
    for item in source["drift"]:
        print(f"  edited here: {item['kind']} {item['name']}")
    return 0 if ready else 1


def _show_history(name: str, runs: list[dict[str, Any]]) -> int:
    for run in runs:
        counts = " ".join(f"{verb}={len(items)}" for verb, items in run["changes"].items())
        print(
            f"{name}: {run['at']} {run['commit'][:12]} {run['state'].lower()} "
            f"{run['cause'] or ''} {counts}".rstrip()
        )
    return 0


def _definition(file: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(read_text(Path(file)))
    except yaml.YAMLError as error:
        raise InvalidInput(f"{file} is not YAML") from error
    if not isinstance(found, dict):
        raise InvalidInput(f"{file} must hold a map, as a source of the settings file does")
    return found
