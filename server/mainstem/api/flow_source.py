"""Routes that search in the sources of flows, and replace what they find."""

from fastapi import APIRouter, Query
from pydantic import Field

from mainstem.api import answers as described
from mainstem.api import models, wire
from mainstem.api.answers import JsonAnswer, answers
from mainstem.api.filters import PageNumber, PageSize
from mainstem.api.flow_names import MOST_IDS, FlowName
from mainstem.api.services import Services
from mainstem.model.flow_id import FlowId
from mainstem.services.source_search import SearchScope, Wanted

router = APIRouter(tags=["flows"])
_LONGEST = 500


class SearchBody(described.Body):
    """What to look for."""

    query: str = Field(min_length=1, max_length=_LONGEST)
    replacement: str = Field(max_length=10_000)
    caseSensitive: bool = False
    wholeWord: bool = False
    regex: bool = False
    scope: SearchScope = SearchScope.ALL

    @property
    def wanted(self) -> Wanted:
        return Wanted(self.query, self.caseSensitive, self.wholeWord, self.regex, self.scope)


class PreviewBody(SearchBody):
    """Where to look."""

    namespace: str | None = None


class ApplyBody(SearchBody):
    """In which flows to replace."""

    flows: list[FlowName] = Field(max_length=MOST_IDS)


class LineBody(SearchBody):
    """On which line to replace."""

    namespace: str
    id: str
    line: int = Field(ge=1, le=1_000_000)
    column: int = Field(default=0, ge=0, le=1_000_000)


@router.get("/flows/source", **answers(models.SourcePage))
def search(  # noqa: PLR0913 - the wire's parameters
    services: Services,
    q: str = Query(min_length=1, max_length=_LONGEST),
    namespace: str | None = None,
    caseSensitive: bool = False,
    wholeWord: bool = False,
    regex: bool = False,
    scope: SearchScope = SearchScope.ALL,
    page: PageNumber = 1,
    size: PageSize = 25,
) -> JsonAnswer:
    """Flows whose source holds the text, with the places and the lines marked."""
    wanted = Wanted(q, caseSensitive, wholeWord, regex, scope)
    found, total = services.catalog.search_source(
        wanted, namespace, limit=size, offset=(page - 1) * size
    )
    results = [
        {
            **_name(item.flow.flow),
            "editable": True,
            "matches": [
                {"line": hit.line, "column": hit.column, "snippet": hit.snippet}
                for hit in item.hits
            ],
            "model": wire.flow(item.flow),
            "fragments": item.fragments,
        }
        for item in found
    ]
    return JsonAnswer(wire.listing(results, total))


@router.post("/flows/source/replace/preview", **answers(dict[str, object]))
def preview(services: Services, body: PreviewBody) -> wire.Json:
    """The lines that replacing would change; nothing is stored."""
    found = services.catalog.preview_replace(body.wanted, body.replacement, body.namespace)
    return {
        "totalMatches": sum(len(item.changes) for item in found),
        "totalFlows": len(found),
        "editableFlowCount": len(found),
        "flows": [
            {
                **_name(item.flow.flow),
                "editable": True,
                "matches": [
                    {"line": change.line, "before": change.before, "after": change.after}
                    for change in item.changes
                ],
            }
            for item in found
        ],
    }


@router.post("/flows/source/replace/apply", **answers(dict[str, object]))
def apply(services: Services, body: ApplyBody) -> JsonAnswer:
    """Replace in the flows named; those where it fails are left as they are."""
    keys = [item.key for item in body.flows]
    return _replaced(services, body, keys)


@router.post("/flows/source/replace/line", **answers(dict[str, object], 404, 409))
def replace_line(services: Services, body: LineBody) -> JsonAnswer:
    """Replace on one line of one flow."""
    return _replaced(services, body, [FlowId(body.namespace, body.id)], body.line)


def _replaced(
    services: Services, body: SearchBody, keys: list[FlowId], line: int | None = None
) -> JsonAnswer:
    updated, skipped = services.catalog.replace(body.wanted, body.replacement, keys, line)
    return JsonAnswer(
        {
            "updated": [wire.flow(item) for item in updated],
            "skipped": [
                {**_name(item.flow), "reason": item.reason, "message": item.message}
                for item in skipped
            ],
        }
    )


def _name(flow: FlowId) -> wire.Json:
    return {"namespace": flow.namespace, "id": flow.id}
