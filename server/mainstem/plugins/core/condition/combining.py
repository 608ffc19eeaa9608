"""Conditions made of other conditions."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Final

from pydantic import Field

from mainstem.model.flow_id import TASK_ID
from mainstem.sdk.condition import AnyCondition, Condition, ConditionContext
from mainstem.sdk.fields import Duration
from mainstem.sdk.plugin import Fault
from mainstem.sdk.preconditions import Gathering, TimeWindow
from mainstem.sdk.trigger import GatheringCondition

_OLD: Final = "io.kestra.core.models.conditions.types"
_HERE: Final = "io.kestra.plugin.core.condition"


class Not(Condition):
    """Holds when none of its conditions does."""

    TYPE: ClassVar[str] = f"{_HERE}.Not"
    ALIASES: ClassVar[tuple[str, ...]] = (f"{_OLD}.NotCondition", f"{_HERE}.NotCondition")
    ON_DATES: ClassVar[bool] = True

    conditions: Annotated[tuple[AnyCondition, ...], Field(min_length=1)]

    def test(self, ctx: ConditionContext) -> bool:
        return not any(condition.test(ctx) for condition in self.conditions)


class Or(Condition):
    """Holds when one of its conditions does."""

    TYPE: ClassVar[str] = f"{_HERE}.Or"
    ALIASES: ClassVar[tuple[str, ...]] = (f"{_OLD}.OrCondition", f"{_HERE}.OrCondition")
    ON_DATES: ClassVar[bool] = True

    conditions: Annotated[tuple[AnyCondition, ...], Field(min_length=1)]

    def test(self, ctx: ConditionContext) -> bool:
        return any(condition.test(ctx) for condition in self.conditions)


class MultipleCondition(GatheringCondition):
    """Holds once all of its conditions held, for whichever executions, within a time window.

    Deprecated in the language; only Flow triggers can use it. Now `preconditions`.
    """

    TYPE: ClassVar[str] = f"{_HERE}.MultipleCondition"
    ALIASES: ClassVar[tuple[str, ...]] = (f"{_OLD}.MultipleCondition",)
    DEPRECATED: ClassVar[bool] = True

    id: str
    time_window: TimeWindow | None = None
    reset_on_success: bool = True
    window: Duration | None = Field(
        default=None, json_schema_extra={"deprecated": True}, description="Now `timeWindow`."
    )
    window_advance: Duration | None = Field(
        default=None, json_schema_extra={"deprecated": True}, description="Now `timeWindow`."
    )
    conditions: dict[str, AnyCondition] = Field(default_factory=dict)

    def faults(self) -> Iterator[Fault]:
        if not TASK_ID.fullmatch(self.id):
            yield Fault(f'must match "^{TASK_ID.pattern}"', "id", "invalid-id")

    @property
    def gathering(self) -> Gathering:
        window = self.time_window or TimeWindow(
            type="DURATION_WINDOW", window=self.window, window_advance=self.window_advance
        )
        parts = {name: condition.test for name, condition in self.conditions.items()}
        return Gathering(self.id, window, self.reset_on_success, parts)
