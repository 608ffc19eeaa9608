"""`mainstem init`: a repository to start from."""

import argparse
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mainstem.errors import Conflict, InvalidInput

STARTER: Final = Path(__file__).parent / "starter"
PLACEHOLDER: Final = "company.team"
_NAMESPACE: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,149}")
_WRITTEN_BY_USE: Final = frozenset({"__pycache__", "target", "logs", "dbt_packages"})


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="where to write it; made if it is missing")
    parser.add_argument(
        "--namespace", default=PLACEHOLDER, help=f"of the flows (default: {PLACEHOLDER})"
    )


def run(args: argparse.Namespace) -> int:
    """Write the starter; existing files are never replaced. Raises Conflict naming them."""
    if not _NAMESPACE.fullmatch(args.namespace):
        raise InvalidInput(f"`{args.namespace}` is not a namespace such as company.team")
    planned = {target(args.folder, file, args.namespace): file for file in starter_files()}
    taken = sorted(str(path) for path in planned if path.exists())
    if taken:
        raise Conflict(f"these files exist already: {', '.join(taken)}")
    for path, file in planned.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.read_text().replace(PLACEHOLDER, args.namespace))
        shutil.copymode(file, path)
    print(f"{len(planned)} files in {args.folder}. Next:")
    print(f"  mainstem check --tests {args.folder}")
    print(f"  git -C {args.folder} init && git -C {args.folder} add .")
    return 0


def starter_files() -> Iterator[Path]:
    for file in sorted(STARTER.rglob("*")):
        if file.is_file() and not _WRITTEN_BY_USE.intersection(file.parts):
            yield file


def target(folder: Path, file: Path, namespace: str) -> Path:
    """Where a file of the starter goes: folders named after the namespace are renamed."""
    parts = file.relative_to(STARTER).parts
    return folder.joinpath(*(namespace if part == PLACEHOLDER else part for part in parts))
