"""The table of all functions."""

from typing import Final

from mainstem.expr.functions_host import FUNCTIONS_HOST
from mainstem.expr.functions_values import FUNCTIONS_VALUES
from mainstem.expr.nesting import FUNCTIONS_NESTING
from mainstem.expr.registry import Callee, table

FUNCTIONS: Final[dict[str, Callee]] = table(
    "function",
    {**FUNCTIONS_HOST, **FUNCTIONS_VALUES, **FUNCTIONS_NESTING},
    skip=1,
)
