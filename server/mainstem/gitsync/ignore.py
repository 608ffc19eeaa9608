"""`.mainstemignore` and `.kestraignore`: the syntax of .gitignore, in any folder (pure)."""

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

NAMES: Final = (".mainstemignore", ".kestraignore")


def is_ignore_file(path: str) -> bool:
    return path.rpartition("/")[2] in NAMES


def candidates(paths: Iterable[str]) -> list[str]:
    """Ignore files that could say something about these paths."""
    folders = {parent for path in paths for parent in PurePosixPath(path).parents}
    return sorted(str(folder / name) for folder in folders for name in NAMES)


class Ignored:
    """What the ignore files of a commit leave out; a deeper file overrules a higher one."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._rules: list[tuple[str, GitIgnoreSpec]] = []
        if files:
            import pathspec

            for path in sorted(files, key=lambda item: (item.count("/"), item)):
                folder = path.rpartition("/")[0]
                lines = files[path].splitlines()
                self._rules.append(
                    (f"{folder}/" if folder else "", pathspec.GitIgnoreSpec.from_lines(lines))
                )

    def __contains__(self, path: object) -> bool:
        left_out = False
        for folder, spec in self._rules:
            if isinstance(path, str) and path.startswith(folder):
                said = spec.check_file(path.removeprefix(folder)).include
                left_out = left_out if said is None else said
        return left_out
