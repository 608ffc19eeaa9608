"""Routes of figures that tasks report."""

from datetime import datetime, timedelta

from fastapi import APIRouter

from mainstem.api import models, wire
from mainstem.api.answers import answers
from mainstem.api.filters import PageNumber, PageSize, parse_moment
from mainstem.api.services import ApiServices, Services
from mainstem.model.flow_id import FlowId
from mainstem.services.metric_figures import Aggregation, Series

router = APIRouter(tags=["metrics"])
_USUAL = timedelta(days=30)
_FLOW = "{namespace}/{flow_id}"


@router.get("/metrics/{execution_id}", **answers(models.MetricPage, 404))
def of_execution(
    execution_id: str,
    services: Services,
    taskRunId: str | None = None,
    taskId: str | None = None,
    page: PageNumber = 1,
    size: PageSize = 1_000,
) -> wire.Json:
    """Figures reported by the tasks of an execution, in order."""
    services.executions.get(execution_id)
    found = [
        item
        for item in services.search.metrics(execution_id)
        if taskRunId in (None, item.task_run_id) and taskId in (None, item.task_id)
    ]
    part = found[(page - 1) * size : page * size]
    return wire.listing([wire.metric(item) for item in part], len(found))


@router.get(f"/metrics/names/{_FLOW}", **answers(list[str], 404))
def flow_names(namespace: str, flow_id: str, services: Services) -> list[str]:
    """Names of metrics of a flow."""
    return services.figures.names(FlowId(namespace, flow_id))


@router.get(f"/metrics/names/{_FLOW}/{{task_id}}", **answers(list[str], 404))
def task_names(namespace: str, flow_id: str, task_id: str, services: Services) -> list[str]:
    """Names of metrics of a task."""
    return services.figures.names(FlowId(namespace, flow_id), task_id)


@router.get(f"/metrics/tasks/{_FLOW}", **answers(list[str], 404))
def tasks(namespace: str, flow_id: str, services: Services) -> list[str]:
    """Tasks of a flow that have metrics."""
    return services.figures.tasks(FlowId(namespace, flow_id))


@router.get(f"/metrics/aggregates/{_FLOW}/{{metric}}", **answers(models.Aggregations, 404))
def of_flow(  # noqa: PLR0913 - the wire's parameters
    namespace: str,
    flow_id: str,
    metric: str,
    services: Services,
    startDate: str | None = None,
    endDate: str | None = None,
    aggregation: Aggregation = Aggregation.SUM,
) -> wire.Json:
    """A metric of a flow over time, of the last 30 days unless told otherwise."""
    series = Series(FlowId(namespace, flow_id), metric)
    return _aggregated(services, series, aggregation, startDate, endDate)


@router.get(
    f"/metrics/aggregates/{_FLOW}/{{task_id}}/{{metric}}", **answers(models.Aggregations, 404)
)
def of_task(  # noqa: PLR0913 - the wire's parameters
    namespace: str,
    flow_id: str,
    task_id: str,
    metric: str,
    services: Services,
    startDate: str | None = None,
    endDate: str | None = None,
    aggregation: Aggregation = Aggregation.SUM,
) -> wire.Json:
    """A metric of a task over time, of the last 30 days unless told otherwise."""
    series = Series(FlowId(namespace, flow_id), metric, task_id)
    return _aggregated(services, series, aggregation, startDate, endDate)


def _aggregated(
    services: ApiServices,
    series: Series,
    how: Aggregation,
    start: str | None,
    end: str | None,
) -> wire.Json:
    last: datetime = parse_moment(end) or services.clock.now()
    found = services.figures.over_time(series, how, parse_moment(start) or last - _USUAL, last)
    return {
        "groupBy": found.step,
        "aggregations": [
            {"name": series.name, "value": item.value, "date": wire.moment(item.start)}
            for item in found.buckets
        ],
    }
