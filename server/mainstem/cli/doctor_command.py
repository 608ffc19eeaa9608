"""`mainstem doctor`: what a server needs, whether it is there, and what to do if not."""

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict

from mainstem.cli.options import add_settings_options, settings_from
from mainstem.doctor import machine
from mainstem.doctor.finding import Finding, Verdict, guarded
from mainstem.doctor.google import google
from mainstem.settings import Settings, process_environment

_MARKS = {Verdict.OK: "ok  ", Verdict.WARN: "WARN", Verdict.FAIL: "FAIL", Verdict.SKIP: "-   "}


def arguments(parser: argparse.ArgumentParser) -> None:
    add_settings_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--offline", action="store_true", help="leave Git and Google Cloud out")


def run(args: argparse.Namespace) -> int:
    """Returns 1 when something failed; warnings alone give 0."""
    settings = settings_from(args)
    found = []
    for item in examine(settings, offline=args.offline):
        found.append(item)
        if not args.json:
            print(f"{_MARKS[item.verdict]}  {item.check}: {item.text}", flush=True)
            if item.fix is not None:
                print(f"      → {item.fix}", flush=True)
    counts = Counter(item.verdict for item in found)
    if args.json:
        print(json.dumps({"failed": counts[Verdict.FAIL], "findings": [asdict(f) for f in found]}))
    else:
        print(f"{counts[Verdict.FAIL]} failed, {counts[Verdict.WARN]} warnings")
    return 1 if counts[Verdict.FAIL] else 0


def examine(settings: Settings, *, offline: bool = False) -> Iterator[Finding]:
    """Every check in turn, nearest things first."""
    environment = process_environment()
    yield from guarded("disk", lambda: machine.disk(settings))
    yield from guarded("database", lambda: machine.database(settings))
    yield from guarded("storage", lambda: machine.storage(settings))
    yield from guarded("key", lambda: machine.key(settings))
    yield from guarded("docker", lambda: machine.docker(settings, environment))
    if not offline:
        yield from guarded("git", lambda: machine.git(settings, environment))
        yield from guarded("gcp", lambda: google(settings))
