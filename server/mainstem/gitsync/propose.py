"""Proposing a change: a branch with one commit, made without ever checking anything out."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mainstem.errors import Conflict, InvalidInput, NotFound, Stalled
from mainstem.gitsync.address import check_branch
from mainstem.gitsync.compare import compare_command, compare_page
from mainstem.gitsync.remote import Remote
from mainstem.gitsync.repository import LINK, SUBMODULE, Repository
from mainstem.gitsync.sync import Syncer, Workshop
from mainstem.model.flow_id import FlowId
from mainstem.services.flows import InvalidFlow
from mainstem.store import sync_entries


@dataclass(frozen=True, slots=True)
class Edit:
    """A new source of a flow that Git manages, and what to say about it."""

    flow: FlowId
    source: str
    message: str
    branch: str = ""
    author: str = "Mainstem"


@dataclass(frozen=True, slots=True)
class Proposal:
    """The branch that was pushed, and how to look at it.

    `compare` is a page of the forge, empty where none is known; `command` does for a clone.
    """

    branch: str
    commit: str
    path: str
    compare: str
    command: str


def propose(shop: Workshop, syncer: Syncer, edit: Edit) -> Proposal:
    """Push a branch that changes one flow, on top of the live commit.

    Raises InvalidFlow or InvalidInput for the edit, NotFound for a flow of another source,
    Conflict when the branch is there already, and Transient or Stalled when it cannot be pushed.
    """
    path, text = _checked(shop, syncer, edit)
    status = syncer.records.status()
    if status.good_commit is None:
        raise Stalled(f"source `{syncer.source.name}` has no live commit to build on")
    if edit.branch and check_branch(edit.branch) == syncer.source.branch:
        raise InvalidInput(f"`{edit.branch}` is the branch that is synced: propose on another one")
    commit = commit_of(syncer.repository, status.good_commit, {path: text}, edit)
    usual = f"mainstem/{edit.flow.namespace}-{edit.flow.id}-{commit[:8]}"
    branch = check_branch(edit.branch or usual)
    if syncer.source.push:
        _add_branch(syncer.repository, branch, commit)
    else:
        remote = Remote(syncer.source, shop.git, shop.tokens, allow_file=shop.sources.allow_file)
        remote.push(syncer.repository, commit, branch)
    syncer.records.note("Proposed", f"pushed branch {branch} with {path}", commit)
    source = syncer.source
    return Proposal(
        branch, commit, path, compare_page(source, branch), compare_command(source, branch)
    )


def _add_branch(repository: Repository, branch: str, commit: str) -> None:
    if repository.resolve(f"refs/heads/{branch}") is not None:
        raise Conflict(f"branch `{branch}` is there already: give another name")
    repository.run("update-ref", f"refs/heads/{branch}", commit, "0" * len(commit))


def _checked(shop: Workshop, syncer: Syncer, edit: Edit) -> tuple[str, str]:
    key = ("flow", edit.flow.namespace, edit.flow.id)
    with shop.database.read() as tx:
        owned = sync_entries.with_keys(tx, syncer.source.name, [key]).get(key)
    if owned is None:
        raise NotFound(f"flow `{edit.flow}` does not come from Git source `{syncer.source.name}`")
    parsed = shop.flows.parse(edit.source, owned.path)
    if parsed.flow is None:
        raise InvalidFlow(parsed.problems)
    if parsed.flow.flow_id != edit.flow:
        raise InvalidInput(f"the source is of `{parsed.flow.flow_id}`, not `{edit.flow}`")
    return owned.path, edit.source


def commit_of(repository: Repository, parent: str, files: Mapping[str, str], edit: Edit) -> str:
    """A commit on top of another one that replaces these files."""
    with tempfile.TemporaryDirectory(prefix="mainstem-index-") as name:
        index = {"GIT_INDEX_FILE": str(Path(name) / "index")}
        repository.run("read-tree", parent, extra=index)
        modes = {e.path: e.mode for e in repository.find(parent, list(files))}
        lines = []
        for path, text in files.items():
            mode = modes.get(path, "100644")
            if mode in (LINK, SUBMODULE):
                raise InvalidInput(f"`{path}` is not a plain file")
            blob = repository.run("hash-object", "-w", "--stdin", stdin=text.encode())
            lines.append(f"{mode} {blob.decode().strip()}\t{path}\0")
        repository.run(
            "update-index", "-z", "--index-info", stdin="".join(lines).encode(), extra=index
        )
        tree = repository.run("write-tree", "--missing-ok", extra=index).decode().strip()
    who = {
        "GIT_AUTHOR_NAME": edit.author,
        "GIT_AUTHOR_EMAIL": "mainstem@localhost",
        "GIT_COMMITTER_NAME": "Mainstem",
        "GIT_COMMITTER_EMAIL": "mainstem@localhost",
    }
    out = repository.run("commit-tree", tree, "-p", parent, stdin=edit.message.encode(), extra=who)
    return out.decode().strip()
