"""`mainstem check --tests`: unit tests of flows, printed as a test runner prints."""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mainstem.cli.flow_files import files_below, flow_files, read_source
from mainstem.errors import InvalidInput
from mainstem.flowspec.parse import parse_flow
from mainstem.flowtests.gate import NamespaceFile, RunOptions, SuiteResult, TestFile, run_tests
from mainstem.flowtests.parse import is_test_file
from mainstem.flowtests.report import as_json, is_good, junit, lines_of, summary
from mainstem.gitsync.repository import Entry
from mainstem.gitsync.tree import classify
from mainstem.sdk.flow import Flow
from mainstem.sdk.registry import Registry
from mainstem.settings import GitSource, load_settings, process_environment

_MOST_BYTES: Final = 200_000_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether everything passed, and all results as plain values."""

    good: bool
    document: list[dict[str, object]]


def run(args: argparse.Namespace, registry: Registry) -> Outcome:
    """Run the tests below the paths and print each file as it ends."""
    began = time.monotonic()
    results = []
    found = run_tests(
        _flows(args.paths, registry),
        list(test_files(args.paths)),
        registry,
        load_settings(),
        files=list(namespace_files(args.root or _root(args.paths[0]))),
        options=RunOptions(args.seconds, process_environment()),
    )
    for result in found:
        results.append(result)
        if not args.json:
            _show(result, quiet=args.quiet)
    if args.junit is not None:
        args.junit.write_text(junit(results))
    if not (args.json or args.quiet):
        print(summary(results, time.monotonic() - began), file=sys.stderr)
    return Outcome(is_good(results), as_json(results))


def _show(result: SuiteResult, *, quiet: bool) -> None:
    if quiet and is_good([result]):
        return
    for line in lines_of(result):
        print(line, flush=True)


def test_files(paths: Sequence[Path]) -> Iterator[TestFile]:
    """The files of tests at or below the paths."""
    for file in files_below(paths):
        if is_test_file(file.name):
            try:
                yield TestFile(str(file), read_source(file))
            except InvalidInput as error:
                raise InvalidInput(f"{file}: {error.message}") from error


def _flows(paths: Sequence[Path], registry: Registry) -> list[Flow]:
    """Flows without errors: those below the paths, and those beside a file of tests."""
    places = [path.parent if is_test_file(path.name) else path for path in paths]
    found: dict[object, Flow] = {}
    for file in dict.fromkeys(flow_files(places)):
        try:
            parsed = parse_flow(read_source(file), registry, path=str(file))
        except InvalidInput:
            continue
        if parsed.flow is not None:
            found.setdefault(parsed.flow.flow_id, parsed.flow)
    return list(found.values())


def _root(path: Path) -> Path:
    """The repository that a path lies in: where `flows` or `.git` is, else the current folder."""
    start = path.resolve()
    for folder in [start, *start.parents]:
        if (folder / "flows").is_dir() or (folder / ".git").exists():
            return folder
    return Path.cwd()


def namespace_files(root: Path) -> Iterator[NamespaceFile]:
    """What a sync of this folder would make namespace files; raises InvalidInput for too much."""
    entries = [
        Entry(str(file.relative_to(root)), "", "100644")
        for top in ("files", "dbt")
        for file in _walk(root / top)
    ]
    total = 0
    for found in classify(entries, GitSource(name="tests", url=".")).files:
        content = (root / found.entry.path).read_bytes()
        total += len(content)
        if total > _MOST_BYTES:
            raise InvalidInput(f"the namespace files below {root} are larger than {_MOST_BYTES}")
        yield found.namespace, found.path, content


def _walk(folder: Path) -> Iterator[Path]:
    """Plain files, links left out as a sync leaves them out."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(parent) / name
            if file.is_file() and not file.is_symlink():
                yield file
