"""Git sources as pages show them: what state means, what a plan would do, what happened before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from mainstem.ui import format as words
from mainstem.ui.render import flow_link, link

if TYPE_CHECKING:
    from mainstem.gitsync.agent import Condition as Claim
    from mainstem.gitsync.agent import SyncAgent, SyncEvent, SyncRun
    from mainstem.gitsync.sync import SyncResult
    from mainstem.settings_git import GitSource


@dataclass(frozen=True, slots=True)
class Look:
    """How a state looks, and what the reader should make of it."""

    family: str
    icon: str
    word: str
    title: str = ""


_STATES: Final = {
    "READY": Look("success", "check", "Ready"),
    "INVALID": Look("warning", "triangle-alert", "Invalid", "The newest commit is invalid"),
    "FAILED": Look("failed", "rotate-cw", "Retrying", "The repository cannot be reached"),
    "STALLED": Look("failed", "octagon-x", "Needs you", "The sync stands still"),
    "NEW": Look("neutral", "circle", "Not synced yet"),
    "SUSPENDED": Look("neutral", "pause", "Suspended"),
}
_GOOD: Final = frozenset({"Ready", "Fetching"})
_ORDER: Final = ("Ready", "Fetching", "Invalid", "Stalled", "Drifted")
_CAUSES: Final = {
    "poll": "by the clock",
    "webhook": "by webhook",
    "push": "by push",
    "manual": "by hand",
    "rollback": "by roll-back",
    "unpin": "by hand",
    "heal": "to heal drift",
}
_VERBS: Final = {
    "create": ("success", "create"),
    "update": ("running", "update"),
    "delete": ("failed", "delete"),
    "set_values": ("running", "value"),
    "delete_values": ("failed", "delete value"),
    "put_files": ("running", "file"),
    "delete_files": ("failed", "delete file"),
    "set_namespaces": ("running", "namespace"),
    "put_tests": ("running", "test"),
    "delete_tests": ("failed", "delete test"),
    "release": ("neutral", "release"),
}
_FILES: Final = ("put_files", "delete_files", "set_values", "delete_values", "put_tests",
                 "delete_tests", "set_namespaces")  # fmt: skip
_MOST_ITEMS: Final = 200


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One flow or file and what happens to it."""

    action: str
    family: str
    name: str
    href: str = ""
    path: str = ""
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One commit that was looked at."""

    number: int
    at: datetime
    family: str
    icon: str
    word: str
    commit: str
    summary: str
    author: str
    cause: str
    created: int
    updated: int
    deleted: int
    files: int
    seconds: float
    is_live: bool


@dataclass(frozen=True, slots=True)
class ConditionLine:
    """One condition with its meaning for the reader."""

    kind: str
    holds: bool
    family: str
    since: datetime
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One Git source with everything its card shows."""

    name: str
    repository: str
    branch: str
    look: Look
    error: str | None
    commit: str | None
    seen_commit: str | None
    message: str | None
    author: str | None
    committed_at: datetime | None
    at: datetime | None
    checked_at: datetime | None
    since: datetime | None
    next_at: datetime | None
    suspended: bool
    pinned: str | None
    drifted: str
    is_push: bool
    is_stored: bool
    folders: Sequence[tuple[str, str]] = ()
    facts: Sequence[tuple[str, str]] = ()
    conditions: Sequence[ConditionLine] = ()
    problems: Sequence[Mapping[str, object]] = ()
    plan: Sequence[PlanItem] | None = None
    plan_title: str = ""
    diffs: Sequence[object] = ()
    warnings: Sequence[str] = field(default=())


def sources(
    agent: "SyncAgent", result: "SyncResult | None" = None, *, only: str | None = None
) -> list[SourceLine]:
    """Every configured source; `result` is that of a dry run just made."""
    configured = {item.source.name: item for item in agent.registry.all()}
    statuses = [s for s in agent.statuses() if only in (None, s.name)]
    conditions = agent.conditions() if statuses else {}
    controls = agent.all_controls() if statuses else {}
    out = []
    for status in statuses:
        item = configured[status.name]
        switches = controls.get(status.name)
        suspended = switches is not None and switches.suspended_at is not None
        dry = result if result and result.source == status.name else None
        newer = status.seen_commit != status.good_commit
        claims = conditions.get(status.name, {})
        state = "SUSPENDED" if suspended else status.state
        drift = claims.get("Drifted")
        out.append(
            SourceLine(
                name=status.name,
                repository=without_secret(status.url),
                branch=status.branch,
                look=_STATES.get(state, _STATES["NEW"]),
                error=status.message,
                commit=status.good_commit,
                seen_commit=status.seen_commit if newer else None,
                message=status.summary,
                author=status.author,
                committed_at=status.committed_at,
                at=status.synced_at,
                checked_at=status.checked_at,
                since=switches.suspended_at if suspended and switches else status.changed_at,
                next_at=None if suspended else agent.next_look(status.name),
                suspended=suspended,
                pinned=switches.pin if switches else None,
                drifted=(drift.message or "") if drift and drift.status else "",
                is_push=item.source.push,
                is_stored=item.is_stored,
                folders=_folders(item.source),
                facts=_facts(item.source),
                conditions=_conditions(claims),
                problems=list(dry_problems(dry)) if dry else list(status.problems),
                plan=plan_items(dry.plan.changes()) if dry else None,
                plan_title=f"A sync of {words.short_commit(dry.commit.sha)} would" if dry else "",
                diffs=dry.differences if dry else (),
                warnings=tuple(dry.plan.warnings) if dry else (),
            )
        )
    return out


def _folders(source: "GitSource") -> list[tuple[str, str]]:
    """What of the repository becomes what."""
    found = [("Flows", ", ".join(source.flows))]
    if source.directory:
        found.insert(0, ("Directory", source.directory))
    for mapping in source.namespaces:
        more = " and below" if mapping.children else ""
        found.append((mapping.directory, f"flows of {mapping.namespace}{more}"))
    for files in source.files or ():
        target = f"{files.namespace}:/{files.to}" if files.to else files.namespace
        found.append((files.from_, f"files of {target}"))
    return found


_SIGNED: Final = {
    "head": "required of the commit that becomes live",
    "all": "required of each commit since the live one",
}


def _facts(source: "GitSource") -> list[tuple[str, str]]:
    """Policies that differ from what most sources have, and those a reader must know."""
    facts = [
        ("Removed in Git", {"delete": "is removed here", "keep": "stays here",
                            "fail": "is refused"}[source.on_delete]),
        ("Edited here", "gives way to Git" if source.on_drift == "heal" else "stays, and is shown"),
        ("Editing", "allowed here too" if source.editable else "in Git only"),
    ]  # fmt: skip
    if source.tests == "required":
        facts.append(("Tests", "must pass"))
    if source.verify is not None:
        facts.append(("Signatures", _SIGNED[source.verify.commits]))
    if not source.push:
        facts.append(("Webhook", "set up" if source.webhook_secret else "no secret set"))
    return facts


def _conditions(claims: Mapping[str, "Claim"]) -> list[ConditionLine]:
    found = []
    for kind in _ORDER:
        claim = claims.get(kind)
        if claim is None:
            continue
        good = claim.status == (kind in _GOOD) or kind == "Fetching"
        family = "success" if good and claim.status else "neutral" if good else "warning"
        if not good and kind in ("Stalled", "Ready"):
            family = "failed"
        found.append(
            ConditionLine(
                kind, claim.status, family, claim.since, claim.reason, claim.message or ""
            )
        )
    return found


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


def plan_items(
    changes: Mapping[str, Sequence[str]], revisions: Mapping[str, int] | None = None
) -> list[PlanItem]:
    """A plan as rows, flows before files; with the revisions that came of it."""
    items = [
        _item(verb, name, (revisions or {}).get(name))
        for verb in _VERBS
        for name in changes.get(verb, ())
    ]
    return items[:_MOST_ITEMS]


def _item(verb: str, name: str, revision: int | None) -> PlanItem:
    family, action = _VERBS[verb]
    if verb in _FILES:
        namespace, _, path = name.rpartition(":") if ":" in name else ("", "", name)
        href = link("namespaces", namespace, "files", path=path) if verb == "put_files" else ""
        if verb == "set_values":
            href = link("namespaces", namespace, "kv")
        return PlanItem(action, family, path, href, namespace)
    namespace, _, flow_id = name.rpartition(".")
    there = verb == "update" or revision is not None
    href = flow_link(namespace, flow_id) if there and namespace else ""
    return PlanItem(action, family, name, href, revision=revision)


def history(runs: "Sequence[SyncRun]", live: str | None) -> list[HistoryLine]:
    """Runs as the timeline shows them."""
    out = []
    for run in runs:
        look = _STATES.get(run.state, _STATES["NEW"])
        count = {verb: len(run.changes.get(verb, ())) for verb in _VERBS}
        word = "Applied" if run.state == "READY" else look.word
        out.append(
            HistoryLine(
                run.id, run.at, look.family, look.icon, word, run.commit, run.summary or "",
                run.author or "", _CAUSES.get(run.cause or "", ""),
                count["create"], count["update"], count["delete"],
                count["put_files"] + count["delete_files"], run.seconds, run.commit == live,
            )
        )  # fmt: skip
    return out


_EVENT_LOOKS: Final = {
    "Ready": Look("success", "check", ""),
    "Invalid": Look("warning", "triangle-alert", ""),
    "Stalled": Look("failed", "octagon-x", ""),
    "Drifted": Look("warning", "split", ""),
    "Source": Look("neutral", "settings", ""),
    "Proposed": Look("running", "git-fork", ""),
    "Status": Look("warning", "webhook", ""),
}


_ENDED: Final = Look("warning", "circle", "")


def event_look(event: "SyncEvent") -> Look:
    """The mark before an event."""
    if event.message.startswith("no longer "):
        return _ENDED if event.kind == "Ready" else _EVENT_LOOKS["Ready"]
    return _EVENT_LOOKS.get(event.kind, _EVENT_LOOKS["Source"])
