"""The audit log; for admins."""

import json
from collections.abc import Iterator

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from mainstem.services.audit import AuditFilter, AuditRecord, Outcome, plain
from mainstem.ui.desk import desk
from mainstem.ui.pages.sign_in import accounts_of
from mainstem.ui.render import Crumb, Frame, link, query_string

router = APIRouter()
_PART = 100


@router.get("/audit")
def page_audit(request: Request) -> Response:
    """Newest first, by person, action, outcome and words."""
    audit = accounts_of(request).audit
    given = request.query_params
    before = given.get("before", "")
    wanted = _filter(request)
    found = audit.search(
        wanted, limit=_PART + 1, before=int(before) if _is_number(before) else None
    )
    rows = found[:_PART]
    query = {key: given.get(key, "") for key in ("q", "who", "action", "outcome", "namespace")}
    older = {**query, "before": rows[-1].number} if len(found) > _PART else None
    context = {
        "rows": rows,
        "query": query,
        "actions": audit.actions(),
        "outcomes": [outcome.value for outcome in Outcome],
        "active": any(query.values()) or bool(before),
        "older": f"{link('audit')}{query_string(older)}" if older else "",
        "newer": f"{link('audit')}{query_string(query)}" if before else "",
        "export": f"{link('audit', '_export')}{query_string(query)}",
    }
    frame = Frame("settings", "Audit log", (Crumb("Settings", link("settings")),))
    return desk(request).renderer.page(request, "audit", frame, context)


@router.get("/audit/_export")
def export(request: Request) -> Response:
    """Every record that matches, oldest first, as NDJSON."""
    records = accounts_of(request).audit.export(_filter(request))
    return StreamingResponse(
        _lines(records),
        media_type="application/x-ndjson",
        headers={"content-disposition": 'attachment; filename="audit.ndjson"'},
    )


def _lines(records: Iterator[AuditRecord]) -> Iterator[str]:
    for record in records:
        yield json.dumps(plain(record), ensure_ascii=False) + "\n"


def _filter(request: Request) -> AuditFilter:
    given = request.query_params
    return AuditFilter(
        principal=given.get("who") or None,
        action=given.get("action") or None,
        outcome=given.get("outcome") or None,
        namespace=given.get("namespace") or None,
        text=given.get("q") or None,
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
