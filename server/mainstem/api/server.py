"""Routes about the server itself, and of Git sync."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from mainstem import __version__
from mainstem.api import wire
from mainstem.api.services import Services

health = APIRouter(tags=["server"])
router = APIRouter(tags=["server"])


@health.get("/health")
def is_healthy(services: Services) -> JSONResponse:
    """200 while every loop is alive, else 503 with what is wrong."""
    report = services.health()
    status = 200 if report.get("status") == "UP" else 503
    return JSONResponse(dict(report), status_code=status)


@health.get("/health/live")
def is_alive(services: Services) -> JSONResponse:
    """As `/health`: restart the process when this fails."""
    return is_healthy(services)


@health.get("/health/ready")
def is_ready(services: Services) -> JSONResponse:
    """200 while requests can be served, else 503: the database is away, or the server stops."""
    report = services.readiness()
    return JSONResponse(dict(report), status_code=200 if report.get("status") == "READY" else 503)


@router.get("/version")
def version() -> wire.Json:
    return {"version": __version__}


@router.get("/configs")
def configs() -> wire.Json:
    """What clients of the reference look at first."""
    return {"version": __version__, "uuid": None, "isAnonymousUsageEnabled": False}


@router.get("/plugins")
def plugins(services: Services) -> list[str]:
    """Every type name."""
    return list(services.flows.registry.types())


@router.get("/syncs")
def syncs(services: Services) -> list[wire.Json]:
    """Git sources and how they stand."""
    return [_plain(asdict(status)) for status in services.syncs.statuses()]


@router.get("/syncs/{name}/history")
def sync_history(name: str, services: Services) -> list[wire.Json]:
    """Commits looked at, newest first."""
    return [_plain(asdict(run)) for run in services.syncs.history(name)]


@router.post("/syncs/{name}")
def sync_now(name: str, services: Services, dryRun: bool = False) -> wire.Json:
    """Look at a source now; with `dryRun` nothing changes."""
    result = services.syncs.sync(name, dry_run=dryRun)
    return {
        "source": result.source,
        "commit": result.commit.sha,
        "applied": result.applied,
        "plan": result.plan.changes(),
        "warnings": list(result.plan.warnings),
        "problems": [{**asdict(p), "text": str(p)} for p in result.problems],
    }


def _plain(row: Mapping[str, Any]) -> wire.Json:
    return {
        key: wire.moment(value) if hasattr(value, "isoformat") else value
        for key, value in row.items()
    }
