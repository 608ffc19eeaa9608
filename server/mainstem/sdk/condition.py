"""Conditions: yes-or-no questions that triggers and listeners ask."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mainstem.model.execution import Execution
from mainstem.model.flow_id import FlowId
from mainstem.sdk.plugin import Plugin, plugin_field


@dataclass(frozen=True, slots=True)
class ConditionContext:
    """What a condition may look at.

    `render` renders text in the scope of the execution (or trigger) in question; `execution` is
    absent for schedule conditions; `date` is the slot that a schedule is about to fire.
    """

    flow: FlowId
    now: datetime
    render: Callable[[str], str]
    execution: Execution | None = None
    date: datetime | None = None
    variables: Mapping[str, object] = field(default_factory=dict)


class Condition(Plugin):
    """A plug-in that answers `test`."""

    @abstractmethod
    def test(self, ctx: ConditionContext) -> bool:
        """Whether it holds; raises InvalidInput when it cannot be evaluated."""


AnyCondition = plugin_field(Condition)
