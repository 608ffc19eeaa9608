"""Conditions: yes-or-no questions that triggers and listeners ask."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from mainstem.model.execution import Execution, TaskRun
from mainstem.model.flow_id import FlowId
from mainstem.sdk.plugin import Plugin, plugin_field


@dataclass(frozen=True, slots=True)
class ConditionContext:
    """What a condition may look at.

    `flow` is the one whose trigger or listener asks. `render` renders text in the scope of the
    execution (or trigger) in question, `render_with` with further root variables; `execution` is
    absent for schedule conditions; `date` is the slot that a schedule is about to fire.
    """

    flow: FlowId
    now: datetime
    render: Callable[[str], str]
    execution: Execution | None = None
    date: datetime | None = None
    variables: Mapping[str, object] = field(default_factory=dict)
    task_runs: Callable[[], Sequence[TaskRun]] = tuple
    render_with: Callable[[str, Mapping[str, object]], str] | None = None


class Condition(Plugin):
    """A plug-in that answers `test`.

    ON_DATES marks those that make sense for a mere date; a schedule asks no others.
    """

    ON_DATES: ClassVar[bool] = False

    @abstractmethod
    def test(self, ctx: ConditionContext) -> bool:
        """Whether it holds; raises InvalidInput when it cannot be evaluated."""


AnyCondition = plugin_field(Condition)
