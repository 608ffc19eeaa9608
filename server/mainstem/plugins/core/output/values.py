"""Values as outputs."""

from collections.abc import Mapping
from typing import ClassVar

from mainstem.sdk.context import RunContext
from mainstem.sdk.task import Outputs, RunnableTask


class OutputValues(RunnableTask):
    """Render values and return them under the output `values`."""

    TYPE = "io.kestra.plugin.core.output.OutputValues"
    INLINE: ClassVar[bool] = True
    OUTPUTS: ClassVar[Mapping[str, str]] = {"values": "The rendered values."}

    values: dict[str, object] | None = None

    def run(self, ctx: RunContext) -> Outputs:
        rendered = ctx.render_value(self.values or {})
        assert isinstance(rendered, Mapping)
        return {"values": rendered}
