"""What a polling trigger saw before, kept between its polls: items with a version each."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Duration, Property, Text
from mainstem.sdk.plugin import Properties

ChangeOn = Literal["CREATE", "UPDATE", "CREATE_OR_UPDATE"]
Change = Literal["CREATE", "UPDATE"]

_MOST: Final = 100_000


class StatefulTrigger(Properties):
    """Properties of triggers that fire for what is new or changed."""

    on: Property[ChangeOn] = Property("CREATE_OR_UPDATE", str)
    state_key: Property[Text] | None = None
    state_ttl: Property[Duration] | None = None

    def seen(self, ctx: RunContext, trigger_id: str) -> "Seen":
        """What this trigger saw in earlier polls."""
        key = ctx.render(self.state_key) if self.state_key is not None else trigger_id
        ttl = ctx.render(self.state_ttl) if self.state_ttl is not None else None
        return Seen.read(ctx, f"seen-{key}", ctx.render(self.on), ttl)


@dataclass(slots=True)
class Seen:
    """Versions by item, with the time at which each was last met."""

    key: str
    on: ChangeOn
    items: dict[str, tuple[str, str]]

    @staticmethod
    def read(ctx: RunContext, key: str, on: ChangeOn, ttl: timedelta | None) -> "Seen":
        content = ctx.files.get_state(key)
        found = json.loads(content) if content else {}
        oldest = ctx.now() - ttl if ttl is not None else None
        kept = {
            str(name): (str(version), str(at))
            for name, (version, at) in _entries(found).items()
            if oldest is None or datetime.fromisoformat(at) >= oldest
        }
        return Seen(key, on, kept)

    def change(self, item: str, version: str, now: datetime) -> Change | None:
        """Note an item; what it is to the trigger, None when that is not what it fires on."""
        before = self.items.get(item)
        self.items[item] = (version, now.isoformat())
        if before is None:
            return "CREATE" if self.on != "UPDATE" else None
        changed = before[0] != version and self.on != "CREATE"
        return "UPDATE" if changed else None

    def keep(self, ctx: RunContext) -> None:
        """Store for the next poll; the oldest are forgotten beyond a bound."""
        newest = sorted(self.items.items(), key=lambda entry: entry[1][1])[-_MOST:]
        ctx.files.put_state(self.key, json.dumps(dict(newest)).encode())


def _entries(found: object) -> Mapping[str, tuple[str, str]]:
    return found if isinstance(found, dict) else {}
