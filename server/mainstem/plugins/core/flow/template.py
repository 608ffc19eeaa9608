"""Template (deprecated): the tasks of a template, put in place before the execution starts."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from pydantic import Field

from mainstem.errors import InvalidInput
from mainstem.sdk.fields import Text
from mainstem.sdk.flowable import FlowableTask, FlowContext, Lane, Lanes
from mainstem.sdk.task import AnyTask, Task


class Template(FlowableTask):
    """Run the tasks of a template; `args` are rendered and shown as `outputs.<id>.args`.

    `found` holds the template's tasks once they were looked up; None means not looked up or
    not there.
    """

    TYPE: ClassVar[str] = "io.kestra.plugin.core.flow.Template"
    ALIASES: ClassVar[tuple[str, ...]] = ("io.kestra.core.tasks.flows.Template",)

    namespace: Text
    template_id: Text
    tenant_id: str | None = None
    args: dict[str, object] = Field(default_factory=dict)
    found: tuple[AnyTask, ...] | None = Field(default=None, exclude=True)

    def main_tasks(self) -> Iterator[Task]:
        return iter(self.found or ())

    def opening(self, ctx: FlowContext) -> Mapping[str, object] | None:
        return {"args": ctx.render_value(self.args)} if self.args else None

    def lanes(self, ctx: FlowContext) -> Lanes:
        if self.found is None:
            raise InvalidInput(f"Can't find flow template '{self.namespace}.{self.template_id}'")
        return Lanes([Lane(self.found)], 1)
