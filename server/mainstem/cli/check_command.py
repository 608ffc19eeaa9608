"""`mainstem check`: validate flow files without a server."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from mainstem.cli.options import read_text
from mainstem.errors import InvalidInput, NotFound
from mainstem.flowspec.parse import parse_flow
from mainstem.flowspec.problems import Problem
from mainstem.model.flow_id import FlowId
from mainstem.sdk.registry import Registry

_LARGEST = 2_000_000


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files or folders")
    parser.add_argument("--json", action="store_true", help="print problems as JSON")
    parser.add_argument("--quiet", action="store_true", help="print problems only")


def run(args: argparse.Namespace) -> int:
    """Returns 1 when there is any error, 0 otherwise (warnings are printed)."""
    files = list(flow_files(args.paths))
    problems = check(files)
    errors = sum(1 for problem in problems if problem.is_error)
    if args.json:
        print(json.dumps({"files": len(files), "problems": [asdict(p) for p in problems]}))
        return 1 if errors else 0
    for problem in problems:
        print(problem if problem.is_error else f"{problem} (warning)")
    if not args.quiet:
        counted = f"{len(files)} file{'s' if len(files) != 1 else ''}"
        print(f"{counted} checked, {errors} error{'s' if errors != 1 else ''}", file=sys.stderr)
    return 1 if errors else 0


def flow_files(paths: Sequence[Path]) -> Iterator[Path]:
    """The YAML files at or below the paths, without unit tests of flows.

    Raises NotFound for a path that is not there.
    """
    for path in paths:
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                is_test = file.name.endswith((".test.yaml", ".test.yml"))
                if file.suffix in (".yaml", ".yml") and file.is_file() and not is_test:
                    yield file
        elif path.is_file():
            yield path
        else:
            raise NotFound(f"{path}: no such file or folder")


def _read(file: Path) -> str:
    if file.stat().st_size > _LARGEST:
        raise InvalidInput(f"the file is larger than {_LARGEST} bytes")
    return read_text(file)


def check(files: Sequence[Path]) -> list[Problem]:
    """Every problem of every file, and flows that two files define."""
    registry = Registry.installed()
    problems: list[Problem] = []
    seen: dict[FlowId, Path] = {}
    for file in files:
        try:
            source = _read(file)
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
