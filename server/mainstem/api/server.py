"""Routes about the server itself."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from mainstem import __version__
from mainstem.api import models, wire
from mainstem.api.answers import also, answers
from mainstem.api.filters import execution_filter
from mainstem.api.prometheus import CONTENT_TYPE, exposition
from mainstem.api.services import Services
from mainstem.expr.filters import FILTERS
from mainstem.expr.functions import FUNCTIONS
from mainstem.model.flow_id import FlowId
from mainstem.model.state import State
from mainstem.services.search import Slot

health = APIRouter(tags=["server"])
router = APIRouter(tags=["server"])
_JSON = dict[str, object]
_HEALTH: Final = {
    **also(200, "All is well.", _JSON),
    **also(503, "Something is not; the body names it.", _JSON),
}


@health.get("/health", response_model=None, responses=_HEALTH)
def is_healthy(services: Services) -> JSONResponse:
    """200 while every loop is alive, else 503 with what is wrong."""
    report = services.health()
    status = 200 if report.get("status") == "UP" else 503
    return JSONResponse(dict(report), status_code=status)


@health.get("/health/live", response_model=None, responses=_HEALTH)
def is_alive(services: Services) -> JSONResponse:
    """As `/health`: restart the process when this fails."""
    return is_healthy(services)


@health.get("/health/ready", response_model=None, responses=_HEALTH)
def is_ready(services: Services) -> JSONResponse:
    """200 while requests can be served, else 503: the database is away, or the server stops."""
    report = services.readiness()
    return JSONResponse(dict(report), status_code=200 if report.get("status") == "READY" else 503)


@health.get("/metrics", **answers(None, media="text/plain"))
def measures(request: Request, services: Services) -> Response:
    """Figures for Prometheus: executions, queue, workers, scheduler, sync, requests, process."""
    stored = services.measures.stored(services.clock.now())
    timings = getattr(request.state, "timings", None)
    return Response(exposition(stored, services.live(), timings), media_type=CONTENT_TYPE)


@router.get("/version", **answers(_JSON))
def version() -> wire.Json:
    """The version of this server."""
    return {"version": __version__}


@router.get("/configs", **answers(_JSON))
def configs(services: Services) -> wire.Json:
    """What clients of the reference look at first."""
    return {
        "uuid": services.instance,
        "version": __version__,
        "edition": "OSS",
        "url": services.base_url,
        "isAnonymousUsageEnabled": False,
        "isUiAnonymousUsageEnabled": False,
        "isCustomDashboardsEnabled": False,
        "isAiEnabled": False,
        "isTaskRunEnabled": True,
        "isBasicAuthInitialized": True,
        "isPluginAutoInstallEnabled": False,
        "systemNamespace": "system",
        "hiddenLabelsPrefixes": ["system."],
        "chartDefaultDuration": "PT24H",
        "preview": {"initial": 100, "max": 5_000},
        "pluginsHash": services.plugins_hash,
    }


@router.get("/pebble/filters", **answers(list[str]))
def filters() -> list[str]:
    """Filters of the expression language."""
    return sorted(FILTERS)


@router.get("/pebble/functions", **answers(list[str]))
def functions() -> list[str]:
    """Functions of the expression language."""
    return sorted(FUNCTIONS)


@router.get("/cluster/workers", **answers(list[_JSON]))
def workers(services: Services) -> list[wire.Json]:
    """Who runs attempts, and how many."""
    live = services.live()
    return [
        {
            "id": services.instance,
            "state": "RUNNING",
            "slots": live.worker_slots,
            "running": live.attempts_running,
            "waiting": live.attempts_waiting,
            "version": __version__,
        }
    ]


@router.get("/cluster/services", **answers(list[_JSON]))
def loops(services: Services) -> list[wire.Json]:
    """The loops of this process and when each last ran."""
    components = services.health().get("components")
    ages = services.live().loop_ages
    states = components if isinstance(components, dict) else {}
    return [
        {"name": name, "state": state, "secondsSinceLastRun": ages.get(name)}
        for name, state in states.items()
    ]


@router.get("/stats/executions", **answers(_JSON))
def execution_counts(request: Request, services: Services) -> wire.Json:
    """Executions that match by state; filters as in the search."""
    found = services.search.count_by_state(execution_filter(request.query_params))
    return {
        "total": sum(found.values()),
        "byState": {state.value: found.get(state, 0) for state in State},
    }


@router.post("/stats/executions/daily", **answers(list[_JSON]))
@router.get("/stats/executions/daily", **answers(list[_JSON]))
def daily(
    request: Request,
    services: Services,
    days: Annotated[int, Query(ge=1, le=366)] = 30,
) -> list[wire.Json]:
    """Executions that match by day (UTC) and state, for the last days."""
    midnight = services.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    found = services.search.slots(
        execution_filter(request.query_params),
        start=midnight - timedelta(days=days - 1),
        length=timedelta(days=1),
        number=days,
    )
    return _slots(found)


def _slots(found: Sequence[Slot]) -> list[wire.Json]:
    return [
        {
            "startDate": wire.moment(slot.start),
            "groupBy": "day",
            "executionCounts": {s.value: slot.counts.get(s, 0) for s in State},
            "total": sum(slot.counts.values()),
        }
        for slot in found
    ]


@router.get("/stats/flows/slowest", **answers(list[_JSON]))
def slowest(
    request: Request, services: Services, size: Annotated[int, Query(ge=1, le=100)] = 10
) -> list[wire.Json]:
    """Flows by mean duration in seconds of their ended executions that match."""
    found = services.search.slowest(execution_filter(request.query_params), size)
    return [
        {
            "namespace": item.flow.namespace,
            "flowId": item.flow.id,
            "count": item.count,
            "meanSeconds": item.mean,
            "longestSeconds": item.longest,
        }
        for item in found
    ]


@router.get("/concurrency-limit/search", **answers(models.AnyPage))
def concurrency(services: Services) -> wire.Json:
    """Flows with executions that run under a limit, and how many do."""
    running = services.search.holding()
    rows = [
        {"tenantId": "main", "namespace": f.namespace, "flowId": f.id, "running": number}
        for f, number in sorted(running.items())
        if _is_limited(services, f)
    ]
    return wire.listing(rows, len(rows))


def _is_limited(services: Services, flow: FlowId) -> bool:
    return services.flows.load(flow).concurrency is not None
