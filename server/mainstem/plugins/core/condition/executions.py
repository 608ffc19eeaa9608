"""Conditions on an execution: its flow, state, labels, outputs and attempts."""

from typing import ClassVar, Final, Literal

from pydantic import Field

from mainstem.model.state import State
from mainstem.sdk.condition import Condition, ConditionContext
from mainstem.sdk.fields import Text
from mainstem.sdk.labels import Labels
from mainstem.sdk.preconditions import upstream

_OLD: Final = "io.kestra.core.models.conditions.types"
_HERE: Final = "io.kestra.plugin.core.condition"


def holds(text: str) -> bool:
    """The truth of a condition's rendered text: anything but blank and `false`."""
    return text.strip() not in ("", "false")


class Expression(Condition):
    """Holds when an expression renders to anything but empty text or `false`."""

    TYPE: ClassVar[str] = f"{_HERE}.Expression"
    ALIASES: ClassVar[tuple[str, ...]] = (
        f"{_OLD}.VariableCondition",
        f"{_HERE}.ExpressionCondition",
    )
    ON_DATES: ClassVar[bool] = True

    expression: Text = Field(min_length=1)

    def test(self, ctx: ConditionContext) -> bool:
        return holds(ctx.render(self.expression))


class ExecutionFlow(Condition):
    """Holds for executions of one flow."""

    TYPE: ClassVar[str] = f"{_HERE}.ExecutionFlow"
    ALIASES: ClassVar[tuple[str, ...]] = (
        f"{_OLD}.ExecutionFlowCondition",
        f"{_HERE}.ExecutionFlowCondition",
    )

    namespace: Text
    flow_id: Text

    def test(self, ctx: ConditionContext) -> bool:
        flow = upstream(ctx).flow
        return flow.namespace == self.namespace and flow.id == self.flow_id


class ExecutionNamespace(Condition):
    """Holds for executions in a namespace; `comparison` wins over `prefix`."""

    TYPE: ClassVar[str] = f"{_HERE}.ExecutionNamespace"
    ALIASES: ClassVar[tuple[str, ...]] = (
        f"{_OLD}.ExecutionNamespaceCondition",
        f"{_HERE}.ExecutionNamespaceCondition",
    )

    namespace: Text
    comparison: Literal["EQUALS", "PREFIX", "SUFFIX"] | None = None
    prefix: bool = False

    def test(self, ctx: ConditionContext) -> bool:
        actual = upstream(ctx).flow.namespace
        comparison = self.comparison or ("PREFIX" if self.prefix else "EQUALS")
        if comparison == "PREFIX":
            return actual.startswith(self.namespace)
        if comparison == "SUFFIX":
            return actual.endswith(self.namespace)
        return actual == self.namespace


class ExecutionStatus(Condition):
    """Holds for executions in one of these states and none of those."""

    TYPE: ClassVar[str] = f"{_HERE}.ExecutionStatus"
    ALIASES: ClassVar[tuple[str, ...]] = (
        f"{_OLD}.ExecutionStatusCondition",
        f"{_HERE}.ExecutionStatusCondition",
    )

    in_: tuple[State, ...] | None = Field(default=None, alias="in")
    not_in: tuple[State, ...] | None = None

    def test(self, ctx: ConditionContext) -> bool:
        return _is_among(upstream(ctx).state, self.in_, self.not_in)


class ExecutionLabels(Condition):
    """Holds for executions that carry all these labels."""

    TYPE: ClassVar[str] = f"{_HERE}.ExecutionLabels"
    ALIASES: ClassVar[tuple[str, ...]] = (
        f"{_OLD}.ExecutionLabelsCondition",
        f"{_HERE}.ExecutionLabelsCondition",
    )

    labels: Labels

    def test(self, ctx: ConditionContext) -> bool:
        actual = upstream(ctx).labels
        return all(actual.get(key) == value for key, value in self.labels.items())


class ExecutionOutputs(Condition):
    """Holds when an expression over `trigger.outputs`, the outputs of the flow, does."""

    TYPE: ClassVar[str] = f"{_HERE}.ExecutionOutputs"
    ALIASES: ClassVar[tuple[str, ...]] = (
        f"{_OLD}.ExecutionOutputsCondition",
        f"{_HERE}.ExecutionOutputsCondition",
    )

    expression: Text = Field(min_length=1)

    def test(self, ctx: ConditionContext) -> bool:
        outputs = ctx.execution.outputs if ctx.execution is not None else None
        if not outputs or ctx.render_with is None:
            return False
        known = ctx.variables.get("trigger")
        trigger = {**(known if isinstance(known, dict) else {}), "outputs": outputs}
        return holds(ctx.render_with(self.expression, {"trigger": trigger}))


class HasRetryAttempt(Condition):
    """Holds when a task run of several attempts has one in these states and none of those."""

    TYPE: ClassVar[str] = f"{_HERE}.HasRetryAttempt"
    ALIASES: ClassVar[tuple[str, ...]] = (
        f"{_OLD}.HasRetryAttemptCondition",
        f"{_HERE}.HasRetryAttemptCondition",
    )

    in_: tuple[State, ...] | None = Field(default=None, alias="in")
    not_in: tuple[State, ...] | None = None

    def test(self, ctx: ConditionContext) -> bool:
        upstream(ctx)
        return any(
            _is_among(attempt.history.current, self.in_, self.not_in)
            for run in ctx.task_runs()
            if len(run.attempts) > 1
            for attempt in run.attempts
        )


class FlowCondition(Condition):
    """Holds for one flow (deprecated in the language)."""

    TYPE: ClassVar[str] = f"{_HERE}.FlowCondition"
    ALIASES: ClassVar[tuple[str, ...]] = (f"{_OLD}.FlowCondition",)
    DEPRECATED: ClassVar[bool] = True

    namespace: Text
    flow_id: Text

    def test(self, ctx: ConditionContext) -> bool:
        return ctx.flow.namespace == self.namespace and ctx.flow.id == self.flow_id


class FlowNamespaceCondition(Condition):
    """Holds for flows of a namespace (deprecated in the language)."""

    TYPE: ClassVar[str] = f"{_HERE}.FlowNamespaceCondition"
    ALIASES: ClassVar[tuple[str, ...]] = (f"{_OLD}.FlowNamespaceCondition",)
    DEPRECATED: ClassVar[bool] = True

    namespace: Text
    prefix: bool = False

    def test(self, ctx: ConditionContext) -> bool:
        if self.prefix:
            return ctx.flow.namespace.startswith(self.namespace)
        return ctx.flow.namespace == self.namespace


def _is_among(
    state: State, wanted: tuple[State, ...] | None, unwanted: tuple[State, ...] | None
) -> bool:
    return (wanted is None or state in wanted) and (unwanted is None or state not in unwanted)
