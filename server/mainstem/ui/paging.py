"""Parts of lists that are put together in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from mainstem.ui.render import link, query_string

T = TypeVar("T")
SIZE = 20


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """The rows of one page, the number of all, and links to the pages beside it."""

    rows: Sequence[T]
    total: int
    first: int
    previous: str
    following: str


def part_of(found: Sequence[T], query: Mapping[str, str], *place: str) -> Part[T]:
    """The page that `page` of the query names; one that is not there is the nearest that is."""
    wanted = query.get("page", "1")
    last = max(1, -(-len(found) // SIZE))
    number = min(max(int(wanted), 1), last) if wanted.isdigit() and len(wanted) < 9 else 1
    begin = (number - 1) * SIZE

    def href(page: int) -> str:
        if not 1 <= page <= last:
            return ""
        return link(*place) + query_string({**query, "page": str(page) if page > 1 else ""})

    rows = found[begin : begin + SIZE]
    return Part(rows, len(found), begin + 1, href(number - 1), href(number + 1))
