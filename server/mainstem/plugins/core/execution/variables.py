"""Changing `vars` while an execution runs."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from mainstem.errors import InvalidInput
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import RunnableTask


def _known(ctx: RunContext) -> Mapping[str, object]:
    found = ctx.variables.get("vars")
    return found if isinstance(found, Mapping) else {}


class SetVariables(RunnableTask):
    """Add variables to the execution, or overwrite them; they are read as `{{ vars.name }}`."""

    TYPE = "io.kestra.plugin.core.execution.SetVariables"
    INLINE: ClassVar[bool] = True

    variables: dict[str, object]
    overwrite: Property[bool] = Field(
        default=Property(True, bool), description="Whether a variable that exists may be replaced."
    )

    def run(self, ctx: RunContext) -> None:
        rendered = ctx.render_value(self.variables)
        assert isinstance(rendered, Mapping)
        if not ctx.render(self.overwrite):
            taken = [f"`{name}`" for name in rendered if name in _known(ctx)]
            if taken:
                raise InvalidInput(
                    f"{', '.join(taken)} already set in `vars` and `overwrite` is set to `false`"
                )
        ctx.set_variables(
            {f"vars.{name}": value for name, value in rendered.items()},
            remove=[f"unset.{name}" for name in rendered],
        )


class UnsetVariables(RunnableTask):
    """Remove variables from the execution."""

    TYPE = "io.kestra.plugin.core.execution.UnsetVariables"
    INLINE: ClassVar[bool] = True

    variables: Property[list[Text]]
    ignore_missing: Property[bool] = Property(False, bool)

    def run(self, ctx: RunContext) -> None:
        names, known = ctx.render(self.variables), _known(ctx)
        missing = [f"`{name}`" for name in names if name not in known]
        if missing and not ctx.render(self.ignore_missing):
            raise InvalidInput(
                f"{', '.join(missing)} not set in `vars`; `ignoreMissing: true` would accept that"
            )
        present = [name for name in names if name in known]
        ctx.set_variables(
            {f"unset.{name}": True for name in present},
            remove=[f"vars.{name}" for name in present],
        )
