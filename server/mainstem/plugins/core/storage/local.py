"""Files of the working directory."""

from collections.abc import Mapping
from typing import ClassVar

from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import Outputs, RunnableTask
from mainstem.sdk.workfiles import collect_outputs, place_input_files


class LocalFiles(RunnableTask):
    """Write files into the working directory and store others; use `inputFiles`, `outputFiles`."""

    TYPE = "io.kestra.plugin.core.storage.LocalFiles"
    ALIASES = ("io.kestra.core.tasks.storages.LocalFiles",)
    DEPRECATED: ClassVar[bool] = True
    OUTPUTS: ClassVar[Mapping[str, str]] = {
        "uris": "The stored files by their path in the working directory."
    }

    inputs: object = None
    outputs: Property[list[Text]] | None = None

    def run(self, ctx: RunContext) -> Outputs:
        place_input_files(ctx, self.inputs)
        patterns = ctx.render(self.outputs) if self.outputs is not None else []
        return {"uris": collect_outputs(ctx, patterns)}
