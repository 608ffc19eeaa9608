"""Working folders of attempts, all beneath one root of this server's own."""

import shutil
from pathlib import Path


def make_empty(folder: Path) -> None:
    """Make a folder; what an attempt that was cut off has left in it goes."""
    try:
        folder.mkdir()
    except FileNotFoundError:
        folder.mkdir(parents=True)
    except FileExistsError:
        remove(folder)
        folder.mkdir()


def remove(folder: Path) -> None:
    """Remove a folder and what is in it, as far as that can be done."""
    try:
        folder.rmdir()
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(root: Path) -> int:
    """Remove every folder beneath `root`, left by a server that was killed; returns how many."""
    try:
        left = [path for path in root.iterdir() if path.is_dir() and not path.is_symlink()]
    except FileNotFoundError:
        return 0
    for folder in left:
        remove(folder)
    return len(left)
