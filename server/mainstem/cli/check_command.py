"""`mainstem check`: validate flow files without a server."""

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from mainstem.cli.flow_files import flow_files, read_source
from mainstem.errors import InvalidInput
from mainstem.flowspec.parse import parse_flow
from mainstem.flowspec.problems import Problem
from mainstem.model.flow_id import FlowId
from mainstem.sdk.registry import Registry


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        nargs="*",
        type=Path,
        default=[Path()],
        metavar="PATH",
        help="files or folders (default: this one); of a repository its flows/",
    )
    parser.add_argument("--json", action="store_true", help="print problems as JSON")
    parser.add_argument("--quiet", action="store_true", help="print problems only")
    parser.add_argument(
        "--tests", action="store_true", help="also run the tests of flows (*.test.yaml)"
    )
    parser.add_argument(
        "--junit", type=Path, metavar="FILE", help="with --tests: write the results as JUnit XML"
    )
    parser.add_argument(
        "--seconds", type=float, default=60, help="with --tests: time limit of each case (60)"
    )
    parser.add_argument(
        "--root",
        type=Path,
        metavar="DIR",
        help="with --tests: folder that holds files/ and dbt/; else the repository of the first "
        "path",
    )


def run(args: argparse.Namespace) -> int:
    """Returns 1 when there is any error or a test fails, 0 otherwise (warnings are printed)."""
    registry = Registry.installed()
    files = list(flow_files(args.paths))
    problems = check(files, registry)
    good = not any(problem.is_error for problem in problems)
    if not args.json:
        _show(files, problems, quiet=args.quiet)
    document: dict[str, object] = {
        "files": len(files),
        "problems": [asdict(problem) for problem in problems],
    }
    if args.tests:
        # A check without tests needs no database, and starts in half the time.
        tests = importlib.import_module("mainstem.cli.flow_tests")
        outcome = tests.run(args, registry)
        document["tests"] = outcome.document
        good = good and outcome.good
    if args.json:
        print(json.dumps(document, default=str))
    return 0 if good else 1


def _show(files: Sequence[Path], problems: Sequence[Problem], *, quiet: bool) -> None:
    errors = sum(1 for problem in problems if problem.is_error)
    for problem in problems:
        print(problem if problem.is_error else f"{problem} (warning)")
    if not quiet:
        counted = f"{len(files)} file{'s' if len(files) != 1 else ''}"
        print(f"{counted} checked, {errors} error{'s' if errors != 1 else ''}", file=sys.stderr)


def check(files: Sequence[Path], registry: Registry) -> list[Problem]:
    """Every problem of every file, and flows that two files define."""
    problems: list[Problem] = []
    seen: dict[FlowId, Path] = {}
    for file in files:
        try:
            source = read_source(file)
        except InvalidInput as error:
            problems.append(Problem(str(file), 1, 1, "unreadable", error.message))
            continue
        parsed = parse_flow(source, registry, path=str(file))
        problems.extend(parsed.problems)
        if parsed.flow is not None:
            other = seen.setdefault(parsed.flow.flow_id, file)
            if other != file:
                text = f"flow `{parsed.flow.flow_id}` is also in {other}"
                problems.append(Problem(str(file), 1, 1, "duplicate-flow", text))
    return problems
