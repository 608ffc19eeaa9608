"""A task whose properties are an expression themselves."""

from pydantic import Field

from mainstem.errors import InvalidInput
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import Outputs, RunnableTask
from mainstem.sdk.yamltext import read_yaml


class TemplatedTask(RunnableTask):
    """Render `spec`, read it as a task and run that task in place of this one."""

    TYPE = "io.kestra.plugin.core.templating.TemplatedTask"
    ALIASES = ("io.kestra.core.tasks.templating.TemplatedTask",)

    spec: Property[Text] = Field(description="The YAML of a task; its `id` may be left out.")

    def run(self, ctx: RunContext) -> Outputs | None:
        text = ctx.render(self.spec)
        try:
            described = read_yaml(text)
        except InvalidInput as error:
            raise InvalidInput(f"`spec` does not render to YAML: {error.message}") from error
        if not isinstance(described, dict):
            raise InvalidInput("`spec` must render to the properties of a task")
        task = ctx.build_task({"id": self.id, **described})
        if isinstance(task, TemplatedTask):
            raise InvalidInput(f"The templated task cannot be of type '{self.TYPE}'")
        if not isinstance(task, RunnableTask):
            raise InvalidInput("The templated task must be a runnable task")
        return task.run(ctx)
