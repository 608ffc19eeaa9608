"""Runs the corpus of the reference implementation's facts against this engine.

`python -m tests.conformance --corpus DIR [--json] [--only FILE …] [--raise-thresholds]`
prints passed, failed and skipped lines per file and feature, and exits 1 when the share of a file
that passes is below the one in thresholds.json, which only ever rises.
"""

import argparse
import importlib
import importlib.util
import inspect
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.conformance import executions
from tests.stores import on_postgresql

FILES = (
    "executions",
    "expressions",
    "validation",
    "schedule",
    "conditions",
    "inputs",
    "plugin_defaults",
    "tasks",
    "types",
)
THRESHOLDS = Path(__file__).with_name("thresholds.json")
Run = Callable[[dict[str, Any]], str | None]


@dataclass
class Tally:
    """How the lines of one file fared."""

    passed: int = 0
    failures: list[dict[str, str]] = field(default_factory=list)
    skips: list[dict[str, str]] = field(default_factory=list)
    features: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    @property
    def share(self) -> float:
        total = self.passed + len(self.failures) + len(self.skips)
        return self.passed / total if total else 1.0

    def add(self, line: dict[str, Any], outcome: str | None) -> None:
        name = str(line.get("id") or line.get("type"))
        kind = "passed"
        if outcome is None:
            self.passed += 1
        elif outcome.startswith("skipped"):
            kind = "skipped"
            self.skips.append({"id": name, "reason": outcome})
        else:
            kind = "failed"
            self.failures.append({"id": name, "reason": outcome})
        for feature in line.get("features") or (line.get("category"),):
            self.features[str(feature)][kind] += 1

    def as_json(self) -> dict[str, Any]:
        return {
            "passed": self.passed,
            "failed": len(self.failures),
            "skipped": len(self.skips),
            "failures": self.failures,
            "skips": self.skips,
            "features": {name: dict(counts) for name, counts in sorted(self.features.items())},
        }


def runner(name: str, corpus: Path, over_http: bool = False) -> Run:
    """The function that runs a line of one file; without one every line is skipped."""
    if over_http and name == "executions":
        return partial(executions.run_line, corpus_dir=corpus, over_http=True)
    module = f"tests.conformance.{name}"
    if importlib.util.find_spec(module) is None:
        return lambda line: "skipped: nothing runs this file yet"
    run = importlib.import_module(module).run_line
    if len(inspect.signature(run).parameters) == 1:
        return run  # type: ignore[no-any-return]
    return lambda line: run(line, corpus)


def run_file(name: str, corpus: Path, over_http: bool = False) -> Tally:
    tally = Tally()
    run = runner(name, corpus, over_http)
    for line in _lines(corpus / f"{name}.jsonl"):
        try:
            outcome = run(line)
        except Exception as error:
            outcome = f"raised {type(error).__name__}: {error}"
        tally.add(line, outcome)
    return tally


def _lines(path: Path) -> Iterable[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for text in file:
            if text.strip():
                yield json.loads(text)


def below_threshold(tallies: dict[str, Tally]) -> list[str]:
    wanted = _thresholds()
    return [
        f"{name}: {tally.share:.4f} of the lines pass, {wanted[name]:.4f} did before"
        for name, tally in tallies.items()
        if tally.share < wanted.get(name, 0.0) - 1e-9
    ]


def raise_thresholds(tallies: dict[str, Tally]) -> None:
    """Keep the best share ever reached of each file."""
    wanted = _thresholds()
    for name, tally in tallies.items():
        wanted[name] = max(wanted.get(name, 0.0), int(tally.share * 10_000) / 10_000)
    THRESHOLDS.write_text(json.dumps(wanted, indent=2, sort_keys=True) + "\n")


def _thresholds() -> dict[str, float]:
    if not THRESHOLDS.exists():
        return {}
    return dict(json.loads(THRESHOLDS.read_text()))


def report(tallies: dict[str, Tally]) -> None:
    for name, tally in tallies.items():
        counts = tally.as_json()
        print(f"{name}: {counts['passed']} passed, {counts['failed']} failed, ", end="")
        print(f"{counts['skipped']} skipped ({tally.share:.1%})")
        for feature, kinds in sorted(tally.features.items()):
            if kinds["failed"] or kinds["skipped"]:
                print(f"    {feature}: " + ", ".join(f"{n} {k}" for k, n in kinds.items()))
        for failure in tally.failures:
            print(f"  FAILED {failure['id']}: {failure['reason'][:600]}")
        for reason, number in Counter(skip["reason"] for skip in tally.skips).most_common():
            print(f"  {number} {reason}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--only", action="append", choices=FILES, help="run this file only")
    parser.add_argument("--raise-thresholds", action="store_true", help="keep what is reached")
    parser.add_argument(
        "--over-http", action="store_true", help="run every line of executions on a server"
    )
    parser.add_argument(
        "--database",
        metavar="URL",
        help="run executions (over HTTP) and tasks on databases of this PostgreSQL server",
    )
    options = parser.parse_args()
    names = options.only or FILES
    present = [name for name in names if (options.corpus / f"{name}.jsonl").exists()]
    over_http = options.over_http or options.database is not None
    with on_postgresql(options.database) if options.database else nullcontext():
        tallies = {name: run_file(name, options.corpus, over_http) for name in present}
    if options.json:
        print(json.dumps({"files": {n: t.as_json() for n, t in tallies.items()}}, indent=2))
    else:
        report(tallies)
    if options.raise_thresholds:
        raise_thresholds(tallies)
    missed = [] if over_http else below_threshold(tallies)
    for text in missed:
        print(text, file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
