"""A small map that a flow keeps between its executions."""

import hashlib
import json
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import quote

from pydantic import Field

from mainstem.errors import NotFound
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import Outputs, RunnableTask


class StateTask(RunnableTask):
    """Common properties: which map is meant."""

    name: Property[Text] = Property("default", str)
    namespace: Property[bool] = Field(
        default=Property(False, bool), description="Shared by the flows of the namespace."
    )
    taskrun_value: Property[bool] = Field(
        default=Property(True, bool), description="A map for each value of a loop."
    )

    def key(self, ctx: RunContext) -> str:
        """Name and value of the loop, each as one safe path segment."""
        run = ctx.variables.get("taskrun")
        value = run.get("value") if isinstance(run, Mapping) else None
        parts = ["tasks-states", quote(ctx.render(self.name), safe="")]
        if value is not None and ctx.render(self.taskrun_value):
            parts.append(hashlib.sha256(str(value).encode()).hexdigest()[:32])
        else:
            parts.append("all")
        return f"{'/'.join(parts)}.json"

    def read(self, ctx: RunContext) -> dict[str, object] | None:
        content = ctx.files.get_state(self.key(ctx), shared=ctx.render(self.namespace))
        return None if content is None else dict(json.loads(content))

    def missing(self, ctx: RunContext) -> NotFound:
        name = ctx.render(self.name)
        return NotFound(f"Unable to find the state file '{name}': flow {ctx.flow.id} has none")


class Get(StateTask):
    """Read the map."""

    TYPE = "io.kestra.plugin.core.state.Get"
    ALIASES = ("io.kestra.core.tasks.states.Get",)
    OUTPUTS: ClassVar[Mapping[str, str]] = {
        "count": "The number of its entries.",
        "data": "The map.",
    }

    error_on_missing: Property[bool] = Property(False, bool)

    def run(self, ctx: RunContext) -> Outputs:
        data = self.read(ctx)
        if data is None and ctx.render(self.error_on_missing):
            raise self.missing(ctx)
        return {"count": len(data or {}), "data": data or {}}


class Set(StateTask):
    """Merge entries into the map: maps entry by entry, lists appended, other values replaced."""

    TYPE = "io.kestra.plugin.core.state.Set"
    ALIASES = ("io.kestra.core.tasks.states.Set",)
    OUTPUTS: ClassVar[Mapping[str, str]] = {
        "count": "The number of its entries.",
        "key": "Where the map is stored.",
    }

    data: Property[dict[str, object]] | None = None

    def run(self, ctx: RunContext) -> Outputs:
        given = ctx.render(self.data) if self.data is not None else {}
        data = merged(self.read(ctx) or {}, given)
        content = json.dumps(data, default=str).encode()
        key = ctx.files.put_state(self.key(ctx), content, shared=ctx.render(self.namespace))
        return {"count": len(data), "key": key}


class Delete(StateTask):
    """Delete the map."""

    TYPE = "io.kestra.plugin.core.state.Delete"
    ALIASES = ("io.kestra.core.tasks.states.Delete",)
    OUTPUTS: ClassVar[Mapping[str, str]] = {"deleted": "Whether there was one."}

    error_on_missing: Property[bool] = Property(False, bool)

    def run(self, ctx: RunContext) -> Outputs:
        done = ctx.files.delete_state(self.key(ctx), shared=ctx.render(self.namespace))
        if not done and ctx.render(self.error_on_missing):
            raise self.missing(ctx)
        return {"deleted": done}


def merged(old: Mapping[str, object], new: Mapping[str, object]) -> dict[str, object]:
    """Both maps as one; where both have a key, the new value counts."""
    found = dict(old)
    for key, value in new.items():
        before = found.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            found[key] = merged(before, value)
        elif isinstance(before, list) and isinstance(value, list):
            found[key] = [*before, *value]
        else:
            found[key] = value
    return found
