"""Rows of queries: returned, or stored as Ion text, one row a line."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Literal

from mainstem.expr.ion import to_ion
from mainstem.model.metric import MetricKind
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property

FetchType = Literal["STORE", "FETCH", "FETCH_ONE", "NONE"]
Row = Mapping[str, object]

_FLUSH = 2_000


def store_rows(ctx: RunContext, rows: Iterable[Row], name: str = "rows.ion") -> tuple[str, int]:
    """Write rows to internal storage as they come; returns the URI and their number."""
    count = 0
    source = iter(rows)
    with ctx.files.writer(name) as file:
        while part := list(islice(source, _FLUSH)):
            text = "".join(f"{to_ion(dict(row))}\n" for row in part)
            file.write(text.encode())
            count += len(part)
    return file.uri, count


def fetched(ctx: RunContext, rows: Iterator[Row], how: str) -> dict[str, object]:
    """The outputs of a query for a `fetchType`: uri, rows, row and size."""
    found: dict[str, object] = {}
    if how == "STORE":
        found["uri"], found["size"] = store_rows(ctx, rows)
    elif how == "FETCH":
        found["rows"] = [dict(row) for row in rows]
        found["size"] = len(found["rows"]) if isinstance(found["rows"], list) else 0
    elif how == "FETCH_ONE":
        first = next(rows, None)
        found["row"] = None if first is None else dict(first)
        found["size"] = 0 if first is None else 1
    if "size" in found:
        ctx.metric("fetch.size", int(str(found["size"])), MetricKind.COUNTER)
    return found


def fetch_type(
    ctx: RunContext, prop: Property[FetchType], *, fetch: bool, store: bool, fetch_one: bool
) -> FetchType:
    """The wanted kind; the older switches `store`, `fetch` and `fetchOne` still count."""
    if store:
        return "STORE"
    if fetch:
        return "FETCH"
    return "FETCH_ONE" if fetch_one else ctx.render(prop)
