"""What a message says about an execution."""

from collections.abc import Mapping
from dataclasses import dataclass

from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.plugin import Properties


class AboutExecution(Properties):
    """Common properties of messages about an execution; the own one unless named."""

    execution_id: Property[Text] = Property("{{ execution.id }}", str)
    custom_message: Property[Text] | None = None
    custom_fields: Property[dict[str, object]] | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """The facts of a message, in the order in which they are shown."""

    title: str
    link: str
    facts: Mapping[str, str]
    message: str | None = None

    def as_text(self) -> str:
        """For services and readers without markup."""
        lines = [self.title, *(f"{name}: {value}" for name, value in self.facts.items())]
        if self.message:
            lines.append(self.message)
        return "\n".join([*lines, self.link])


def told(about: AboutExecution, ctx: RunContext) -> Told:
    """What is known here of the execution: one's own, or the one that a Flow trigger saw."""
    wanted = str(ctx.render(about.execution_id))
    own = ctx.execution_id
    trigger = _map(ctx.variables.get("trigger"))
    link = ctx.render_text("{{ appLink() }}").replace(own, wanted)
    flow, state = str(ctx.flow.id), str(_map(ctx.variables.get("execution")).get("state", ""))
    facts = {"Execution": wanted}
    if wanted != own and trigger.get("executionId") == wanted:
        flow = f"{trigger.get('namespace')}.{trigger.get('flowId')}"
        state = str(trigger.get("state", ""))
        link = link.replace(
            f"{ctx.flow.id.namespace}/{ctx.flow.id.id}",
            f"{trigger.get('namespace')}/{trigger.get('flowId')}",
        )
    elif wanted == own:
        failed = _failed(ctx.variables.get("tasks"))
        if failed:
            facts["Failed task"] = failed[0]
            state = "FAILED"
        facts["Started"] = ctx.render_text("{{ execution.startDate }}")
    if about.custom_fields is not None:
        given = ctx.render(about.custom_fields)
        facts.update((str(name), str(value)) for name, value in given.items())
    message = ctx.render(about.custom_message) if about.custom_message is not None else None
    return Told(f"{flow} is {state}" if state else flow, link, facts, message)


def _map(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _failed(tasks: object) -> list[str]:
    """Ids of tasks of which some run failed."""
    return [str(name) for name, states in _map(tasks).items() if _has_failed(states)]


def _has_failed(states: object) -> bool:
    found = _map(states)
    return found.get("state") == "FAILED" or any(_has_failed(item) for item in found.values())
