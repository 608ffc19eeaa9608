"""The table of all functions."""

from typing import Final

from mainstem.expr.functions_calendar import FUNCTIONS_CALENDAR
from mainstem.expr.functions_host import FUNCTIONS_HOST
from mainstem.expr.functions_loops import FUNCTIONS_LOOPS
from mainstem.expr.functions_values import FUNCTIONS_VALUES
from mainstem.expr.nesting import FUNCTIONS_NESTING
from mainstem.expr.registry import Callee, table

FUNCTIONS: Final[dict[str, Callee]] = table(
    "function",
    {
        **FUNCTIONS_CALENDAR,
        **FUNCTIONS_HOST,
        **FUNCTIONS_LOOPS,
        **FUNCTIONS_VALUES,
        **FUNCTIONS_NESTING,
    },
    skip=1,
)
