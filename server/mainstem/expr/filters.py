"""The table of all filters."""

from typing import Final

from mainstem.expr.filters_collections import FILTERS_COLLECTIONS
from mainstem.expr.filters_data import FILTERS_DATA
from mainstem.expr.filters_dates import FILTERS_DATES
from mainstem.expr.filters_numbers import FILTERS_NUMBERS
from mainstem.expr.filters_regex import FILTERS_REGEX
from mainstem.expr.filters_text import FILTERS_TEXT
from mainstem.expr.registry import Callee, table

FILTERS: Final[dict[str, Callee]] = table(
    "filter",
    {
        **FILTERS_COLLECTIONS,
        **FILTERS_DATA,
        **FILTERS_DATES,
        **FILTERS_NUMBERS,
        **FILTERS_REGEX,
        **FILTERS_TEXT,
    },
    skip=2,
)
