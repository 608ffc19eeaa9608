"""Git sources as pages show them: what state means, what a plan would do, what happened before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from mainstem.ui import format as words
from mainstem.ui.render import flow_link, link

if TYPE_CHECKING:
    from mainstem.gitsync.agent import SyncAgent
    from mainstem.gitsync.sync import SyncResult


@dataclass(frozen=True, slots=True)
class Condition:
    """How a state looks, and what the reader should make of it."""

    family: str
    icon: str
    word: str
    title: str = ""


_CONDITIONS: Final = {
    "READY": Condition("success", "check", "Ready"),
    "INVALID": Condition("warning", "triangle-alert", "Invalid", "The newest commit is invalid"),
    "FAILED": Condition("failed", "rotate-cw", "Retrying", "The repository cannot be reached"),
    "STALLED": Condition("failed", "octagon-x", "Needs you", "The sync stands still"),
    "NEW": Condition("neutral", "circle", "Not synced yet"),
}
_VERBS: Final = {
    "create": ("success", "create"),
    "update": ("running", "update"),
    "delete": ("failed", "delete"),
    "put_files": ("running", "file"),
    "delete_files": ("failed", "delete file"),
}
_MOST_ITEMS: Final = 200


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One flow or file and what happens to it."""

    action: str
    family: str
    name: str
    href: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One commit that was looked at."""

    at: datetime
    family: str
    icon: str
    word: str
    commit: str
    created: int
    updated: int
    deleted: int
    files: int
    seconds: float


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One Git source with everything its card shows."""

    name: str
    repository: str
    branch: str
    condition: Condition
    error: str | None
    commit: str | None
    seen_commit: str | None
    message: str | None
    author: str | None
    committed_at: datetime | None
    at: datetime | None
    checked_at: datetime | None
    since: datetime | None
    folders: Sequence[tuple[str, str]] = ()
    problems: Sequence[Mapping[str, object]] = ()
    history: Sequence[HistoryLine] = ()
    plan: Sequence[PlanItem] | None = None
    plan_title: str = ""
    warnings: Sequence[str] = field(default=())


def sources(
    agent: "SyncAgent", result: "SyncResult | None" = None, *, with_history: bool = True
) -> list[SourceLine]:
    """Every configured source; `result` is that of a dry run just made."""
    configured = {source.name: source for source in agent.sources}
    out = []
    for status in agent.statuses():
        source = configured[status.name]
        dry = result if result and result.source == status.name else None
        folders = [("Flows", ", ".join(source.flows))]
        for mapping in source.files or ():
            target = f"{mapping.namespace}:/{mapping.to}" if mapping.to else mapping.namespace
            folders.append((mapping.from_, f"files of {target}"))
        newer = status.seen_commit != status.good_commit
        out.append(
            SourceLine(
                name=status.name,
                repository=without_secret(status.url),
                branch=status.branch,
                condition=_CONDITIONS.get(status.state, _CONDITIONS["NEW"]),
                error=status.message,
                commit=status.good_commit,
                seen_commit=status.seen_commit if newer else None,
                message=status.summary,
                author=status.author,
                committed_at=status.committed_at,
                at=status.synced_at,
                checked_at=status.checked_at,
                since=status.changed_at,
                folders=folders,
                problems=list(dry_problems(dry)) if dry else list(status.problems),
                history=_history(agent, status.name) if with_history else (),
                plan=plan_items(dry.plan.changes()) if dry else None,
                plan_title=f"A sync of {words.short_commit(dry.commit.sha)} would" if dry else "",
                warnings=tuple(dry.plan.warnings) if dry else (),
            )
        )
    return out


def dry_problems(result: "SyncResult") -> list[Mapping[str, object]]:
    """Problems of a dry run in the shape of the stored ones."""
    return [
        {
            "path": p.path, "line": p.line, "column": p.column, "message": p.message,
            "severity": p.severity, "suggestion": p.suggestion,
        }
        for p in result.problems
    ]  # fmt: skip


def without_secret(url: str) -> str:
    """A repository's address without user name and token."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def plan_items(changes: Mapping[str, Sequence[str]]) -> list[PlanItem]:
    """A plan as rows, flows before files."""
    items = [_item(verb, name) for verb in _VERBS for name in changes.get(verb, ())]
    return items[:_MOST_ITEMS]


def _item(verb: str, name: str) -> PlanItem:
    family, action = _VERBS[verb]
    if "files" in verb:
        namespace, _, path = name.partition(":")
        href = link("namespaces", namespace, "files", path=path) if verb == "put_files" else ""
        return PlanItem(action, family, path, href, namespace)
    namespace, _, flow_id = name.rpartition(".")
    href = flow_link(namespace, flow_id) if verb == "update" else ""
    return PlanItem(action, family, name, href)


def _history(agent: "SyncAgent", name: str) -> list[HistoryLine]:
    out = []
    for run in agent.history(name, 10):
        condition = _CONDITIONS.get(run.state, _CONDITIONS["NEW"])
        count = {verb: len(run.changes.get(verb, ())) for verb in _VERBS}
        word = "Applied" if run.state == "READY" else condition.word
        out.append(
            HistoryLine(
                run.at, condition.family, condition.icon, word, run.commit,
                count["create"], count["update"], count["delete"],
                count["put_files"] + count["delete_files"], run.seconds,
            )
        )  # fmt: skip
    return out
