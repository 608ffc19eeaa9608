"""Flow files on the command line."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from mainstem.cli.options import read_text
from mainstem.errors import InvalidInput, NotFound

_LARGEST: Final = 2_000_000
_TESTS: Final = (".test.yaml", ".test.yml")


def files_below(paths: Sequence[Path]) -> Iterator[Path]:
    """The YAML files at or below the paths; raises NotFound for a path that is not there.

    Of a repository, a folder that holds one named `flows`, only that one is looked at, as the sync
    agent does.
    """
    for path in paths:
        if path.is_dir():
            flows = path / "flows"
            yield from _below(flows if flows.is_dir() else path)
        elif path.is_file():
            yield path
        else:
            raise NotFound(f"{path}: no such file or folder")


def _below(folder: Path) -> Iterator[Path]:
    """Hidden folders and files belong to other programs."""
    for file in sorted(folder.rglob("*.y*ml")):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if file.suffix in (".yaml", ".yml") and file.is_file() and not hidden:
            yield file


def flow_files(paths: Sequence[Path]) -> Iterator[Path]:
    """As `files_below`, without unit tests of flows."""
    return (file for file in files_below(paths) if not file.name.endswith(_TESTS))


def read_source(file: Path) -> str:
    """The text of a flow file; raises InvalidInput when it cannot be one."""
    if file.stat().st_size > _LARGEST:
        raise InvalidInput(f"the file is larger than {_LARGEST} bytes")
    return read_text(file)
