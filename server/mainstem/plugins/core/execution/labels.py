"""Labels of the running execution."""

import json
from collections.abc import Mapping
from typing import ClassVar

from mainstem.errors import InvalidInput
from mainstem.model.execution import SYSTEM_LABEL
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import as_text
from mainstem.sdk.task import RunnableTask


class Labels(RunnableTask):
    """Add labels to the execution, or overwrite them: a map, a list of key and value, or JSON."""

    TYPE = "io.kestra.plugin.core.execution.Labels"
    ALIASES = ("io.kestra.core.tasks.executions.Labels",)
    INLINE: ClassVar[bool] = True

    labels: str | dict[str, object] | list[dict[str, object]]

    def run(self, ctx: RunContext) -> None:
        ctx.set_labels(_checked(_as_map(ctx.render_value(self.labels))))


def _as_map(rendered: object) -> Mapping[str, object]:
    if isinstance(rendered, str):
        try:
            rendered = json.loads(rendered)
        except ValueError as error:
            raise InvalidInput("`labels` does not render to a JSON map") from error
    if isinstance(rendered, list):
        return {str(item.get("key", "")): item.get("value") for item in rendered}
    if not isinstance(rendered, Mapping):
        raise InvalidInput("`labels` must be a map, or a list of {key, value}")
    return rendered


def _checked(labels: Mapping[str, object]) -> dict[str, str]:
    found = {}
    for key, value in labels.items():
        text = "" if value is None else str(as_text(value))
        if not key or not text:
            raise InvalidInput(f"label `{key}={text}`: neither key nor value may be empty")
        if key.startswith(SYSTEM_LABEL):
            raise InvalidInput(
                f"System labels can only be set by Kestra itself, offending label: {key}={text}"
            )
        found[key] = text
    return found
