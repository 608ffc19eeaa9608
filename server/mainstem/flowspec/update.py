"""What a new revision of a flow may not change."""

from mainstem.flowspec.problems import Problem
from mainstem.flowspec.source import load
from mainstem.model.flow_id import FlowId
from mainstem.sdk.flow import Flow


def check_update(stored: FlowId, new: Flow, *, source: str = "") -> list[Problem]:
    """A flow keeps its id and its namespace; the source is only read for positions."""
    problems = []
    text = load(source) if source else None
    for name, old, written, what in (
        ("id", stored.id, new.id, "flow id"),
        ("namespace", stored.namespace, new.namespace, "namespace"),
    ):
        if old != written:
            at = text.value(text.data, name) if text is not None else None
            line, column = at or (1, 1)
            message = f"Illegal {what} update: it is `{old}` and cannot become `{written}`"
            code = f"illegal-{name}-update"
            hint = "Create a new flow instead."
            found = Problem(None, line, column, code, message, "error", hint, f"flow.{name}")
            problems.append(found)
    return problems
