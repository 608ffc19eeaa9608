"""Repacking and pruning repositories, so that years of fetches and pushes stay small."""

from typing import Final

from mainstem.gitsync.git import Git
from mainstem.gitsync.remote import PARTIAL
from mainstem.gitsync.repository import Repository

EVERY_SECONDS: Final = 86_400.0
_MOST_SECONDS: Final = 600.0
_MANY_LOOSE: Final = 1_000
_MANY_PACKS: Final = 10
# Longer than any push or fetch takes: what one of them just brought is never pruned.
_GRACE: Final = "1.day.ago"
_BOUNDS: Final = (
    "-c", "pack.threads=1", "-c", "pack.windowMemory=32m", "-c", "pack.deltaCacheSize=32m",
    "-c", "gc.pruneExpire=1.day.ago", "-c", "gc.reflogExpire=now", "-c", "gc.packRefs=true",
)  # fmt: skip


def needs_upkeep(repository: Repository) -> bool:
    """Whether there are many loose objects or many packs."""
    out = repository.run("count-objects", "-v").decode()
    told = dict(line.partition(": ")[::2] for line in out.splitlines())
    return int(told.get("count", 0)) > _MANY_LOOSE or int(told.get("packs", 0)) > _MANY_PACKS


def tidy(repository: Repository, git: Git) -> bool:
    """Repack a repository that needs it; the caller keeps pushes and fetches away.

    Raises GitFailed, or Transient when it takes too long; nothing is lost then.
    """
    if not (repository.folder / "HEAD").exists() or not needs_upkeep(repository):
        return False
    git.run(
        ["gc", "--quiet", f"--prune={_GRACE}"],
        folder=repository.folder,
        options=[*_BOUNDS, *(PARTIAL if repository.is_partial else ())],
        seconds=_MOST_SECONDS,
    )
    return True
