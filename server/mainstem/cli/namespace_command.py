"""`mainstem namespace`: what namespaces say themselves and what they inherit."""

import argparse
from pathlib import Path
from urllib.parse import quote

import yaml

from mainstem.cli.options import add_server_option, read_text
from mainstem.cli.remote import Remote, connect
from mainstem.errors import InvalidInput


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, text in (
        ("list", "all namespaces"),
        ("show", "properties in force, with where they come from"),
        ("apply", "create or replace properties from a YAML file"),
        ("delete", "forget the properties; flows, keys, files and secrets stay"),
    ):
        sub = actions.add_parser(name, help=text)
        add_server_option(sub)
        if name == "apply":
            sub.add_argument("file", type=Path, help="YAML with id, variables, pluginDefaults")
        elif name != "list":
            sub.add_argument("namespace")


def run(args: argparse.Namespace) -> int:
    with connect(args) as remote:
        return _act(args, remote)


def _act(args: argparse.Namespace, remote: Remote) -> int:
    if args.action == "list":
        for item in remote.call("GET", "/namespaces/search", params={"size": 1000})["results"]:
            print(f"{item['id']}\t{item.get('description') or ''}")
        return 0
    if args.action == "apply":
        body = _properties(args.file)
        remote.call("PUT", f"/namespaces/{quote(str(body['id']), safe='')}", json=body)
        return 0
    base = f"/namespaces/{quote(args.namespace, safe='')}"
    if args.action == "delete":
        remote.call("DELETE", base)
        return 0
    shown = remote.call("GET", base)
    shown["inherited"] = {
        "variables": remote.call("GET", f"{base}/inherited-variables/origins"),
        "pluginDefaults": remote.call("GET", f"{base}/inherited-plugindefaults"),
        "secrets": remote.call("GET", f"{base}/inherited-secrets"),
    }
    print(yaml.safe_dump(shown, sort_keys=False, allow_unicode=True), end="")
    return 0


def _properties(path: Path) -> dict[str, object]:
    try:
        tree = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise InvalidInput(f"{path} is not YAML: {error}") from error
    if not isinstance(tree, dict) or "id" not in tree:
        raise InvalidInput(f"{path} must hold a map with the `id` of a namespace")
    return tree
