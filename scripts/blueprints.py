"""How much of a folder of flows this version reads: share that is clean, unknown types, problems.

`python scripts/blueprints.py DIR [--problems N]` takes any folder of flow YAML, such as a checkout
of github.com/kestra-io/blueprints or of a course. Files that hold no flow are passed over. The
`extend` block of a blueprint describes it to a catalogue and is no part of the flow: it is cut.
"""

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from mainstem.flowspec.parse import ParsedFlow, parse_flow
from mainstem.flowspec.source import load
from mainstem.sdk.registry import Registry

_CATALOGUE = re.compile(r"^extend:.*\n(?:[ \t#].*\n?|\n)*", re.MULTILINE)


def flows(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every flow source below a folder."""
    for path in sorted(folder.rglob("*.y*ml")):
        if ".git" in path.parts or ".github" in path.parts:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        text = _CATALOGUE.sub("", text)
        data = load(text).data
        if not isinstance(data, dict) or ("tasks" in data and "namespace" in data):
            yield path, text


def unknown_types(parsed: ParsedFlow) -> Iterator[str]:
    """Types that no plug-in answers to, as written."""
    for problem in parsed.problems:
        if problem.code == "invalid-type":
            yield problem.message.removeprefix("Invalid type: ")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--problems", type=int, default=40, help="how many problems to list")
    options = parser.parse_args()
    registry = Registry.installed()
    clean = total = 0
    unknown: Counter[str] = Counter()
    others: Counter[str] = Counter()
    only_types = 0
    seconds = 0.0
    listed: list[str] = []
    for path, text in flows(options.folder):
        began = time.perf_counter()
        parsed = parse_flow(text, registry, path=str(path.relative_to(options.folder)))
        seconds += time.perf_counter() - began
        total += 1
        clean += parsed.ok
        types = list(unknown_types(parsed))
        unknown.update(types)
        rest = [item for item in parsed.problems if item.is_error and item.code != "invalid-type"]
        only_types += bool(types) and not rest
        others.update(item.code for item in rest)
        listed += [str(item) for item in rest]
    if not total:
        print("no flows found", file=sys.stderr)
        return 1
    print(f"{clean} of {total} flows are clean ({clean / total:.1%}), ", end="")
    print(f"{only_types} more lack nothing but types; {seconds / total * 1000:.2f} ms a flow")
    print(f"{len(unknown)} unknown types:")
    for name, count in unknown.most_common():
        print(f"  {count:4} {name}")
    print(f"other errors: {dict(others.most_common())}")
    for text in listed[: options.problems]:
        print(f"  {text[:300]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
