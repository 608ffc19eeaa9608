"""Conditions of a source: claims with since and why, and events only on change (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mainstem.store.syncs import Condition, SyncEvent

READY: Final = "Ready"
FETCHING: Final = "Fetching"
INVALID: Final = "Invalid"
STALLED: Final = "Stalled"
DRIFTED: Final = "Drifted"
KINDS: Final = (READY, FETCHING, INVALID, STALLED, DRIFTED)
_QUIET: Final = frozenset({FETCHING})


@dataclass(frozen=True, slots=True)
class Claim:
    """What holds now, or does not."""

    kind: str
    status: bool
    reason: str
    message: str | None = None


def settle(
    known: Mapping[str, Condition], claims: Iterable[Claim], now: datetime
) -> list[Condition]:
    """The conditions to store; `since` moves only when a claim flips."""
    changed = []
    for claim in claims:
        old = known.get(claim.kind)
        since = old.since if old is not None and old.status == claim.status else now
        new = Condition(claim.kind, claim.status, since, claim.reason, claim.message)
        if new != old:
            changed.append(new)
    return changed


def events_of(
    source: str,
    known: Mapping[str, Condition],
    changed: Sequence[Condition],
    now: datetime,
    commit: str | None = None,
) -> list[SyncEvent]:
    """What readers should hear of: flips, and new reasons or words of a claim that holds."""
    found = []
    for item in changed:
        old = known.get(item.kind)
        if item.kind in _QUIET or (old is None and not item.status):
            continue
        if not item.status and old is not None and not old.status and item.kind != READY:
            continue
        verb = "" if item.status else "no longer "
        words = f"{verb}{item.kind}: {item.message or item.reason}"
        found.append(SyncEvent(source, now, item.kind, words[:2_000], commit))
    return found
