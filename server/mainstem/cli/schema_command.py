"""`mainstem schema`: the JSON Schema of flows, for editors."""

import argparse
import json

from mainstem.sdk.registry import Registry
from mainstem.sdk.schema import flow_schema


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--indent", type=int, default=None, help="spaces per level")


def run(args: argparse.Namespace) -> int:
    """Name the printed file in a flow: `# yaml-language-server: $schema=<path>`."""
    print(json.dumps(flow_schema(Registry.installed()), indent=args.indent))
    return 0
