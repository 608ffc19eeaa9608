"""Figures that a flow itself reports."""

from mainstem.errors import InvalidInput
from mainstem.model.duration import parse_duration
from mainstem.model.metric import MetricKind
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.plugin import Properties
from mainstem.sdk.task import RunnableTask


class PublishedMetric(Properties):
    """A named figure; the value of a timer is a duration."""

    type: MetricKind
    name: Property[Text]
    value: Property[Text]
    tags: Property[dict[str, Text]] | None = None
    description: Property[Text] | None = None


class Publish(RunnableTask):
    """Report figures; they show with those of other tasks."""

    TYPE = "io.kestra.plugin.core.metric.Publish"

    metrics: tuple[PublishedMetric, ...] = ()

    def run(self, ctx: RunContext) -> None:
        for metric in self.metrics:
            name = ctx.render(metric.name)
            value = _figure(name, metric.type, ctx.render(metric.value))
            tags = ctx.render(metric.tags) if metric.tags is not None else {}
            ctx.metric(name, value, metric.type, **tags)


def _figure(name: str, kind: MetricKind, text: str) -> float:
    if kind is MetricKind.TIMER:
        return parse_duration(text).total_seconds()
    try:
        return float(text)
    except ValueError as error:
        reason = f"The value of metric `{name}` must be a number, not `{text}`"
        raise InvalidInput(reason) from error
